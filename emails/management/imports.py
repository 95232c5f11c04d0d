"""Adds an import to a Python file, in the order that ruff expects."""

import ast
import sys
from collections.abc import Collection

MAX_LINE = 120
FUTURE, STANDARD, OTHERS, OURS, RELATIVE = range(5)

Statement = ast.Import | ast.ImportFrom


def with_import(source: str, module: str, name: str, ours: Collection[str]) -> str:
    """Return the source with ``from module import name``. ``ours`` are the packages of the project."""
    statements = [node for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    same = [
        node for node in statements if isinstance(node, ast.ImportFrom) and node.module == module and not node.level
    ]
    if any(alias.name == name and not alias.asname for node in same for alias in node.names):
        return source
    if same and not any(alias.asname for alias in same[0].names):
        return replaced(source, same[0], statement(module, {name, *(alias.name for alias in same[0].names)}))
    return inserted(source, statements, module, statement(module, {name}), ours)


def statement(module: str, names: Collection[str]) -> str:
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))
    line = f"from {module} import {', '.join(ordered)}"
    return (
        line if len(line) <= MAX_LINE else f"from {module} import (\n" + "".join(f"    {n},\n" for n in ordered) + ")"
    )


def replaced(source: str, node: Statement, text: str) -> str:
    lines = source.splitlines()
    lines[node.lineno - 1 : node.end_lineno] = text.splitlines()
    return "\n".join(lines) + "\n"


def inserted(source: str, statements: list[Statement], module: str, text: str, ours: Collection[str]) -> str:
    """Insert the statement before the first one that must follow it, or after the last one."""
    lines = source.splitlines()
    key = order_of(module, ours)
    following = next((node for node in statements if key < order_of_node(node, ours)), None)
    if following is not None:
        before = [node for node in statements if node.lineno < following.lineno]
        gap = [""] if order_of_node(following, ours)[0] != key[0] else []
        if gap and before and order_of_node(before[-1], ours)[0] == key[0]:
            at = before[-1].end_lineno or before[-1].lineno
            lines[at:at] = text.splitlines()
        else:
            lines[following.lineno - 1 : following.lineno - 1] = [*text.splitlines(), *gap]
    elif statements:
        last = statements[-1]
        at = last.end_lineno or last.lineno
        gap = [""] if order_of_node(last, ours)[0] != key[0] else []
        lines[at:at] = [*gap, *text.splitlines()]
    else:
        at = docstring_end(source)
        lines[at:at] = [*([""] if at else []), *text.splitlines()]
    return "\n".join(lines) + "\n"


def order_of_node(node: Statement, ours: Collection[str]) -> tuple[int, bool, str]:
    if isinstance(node, ast.Import):
        section, _, module = order_of(node.names[0].name, ours)
        return section, False, module
    return (RELATIVE, True, "") if node.level else order_of(node.module or "", ours)


def order_of(module: str, ours: Collection[str]) -> tuple[int, bool, str]:
    package = module.partition(".")[0]
    section = OURS if package in ours else STANDARD if package in sys.stdlib_module_names else OTHERS
    return (FUTURE if package == "__future__" else section), True, module


def docstring_end(source: str) -> int:
    body = ast.parse(source).body
    is_docstring = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return (body[0].end_lineno or 0) if is_docstring else 0
