"""The import graph: one direction between apps and packages, no cycles, and few imports from billing to emails.

Services don't know HTTP: they neither import HTTP classes nor take a request.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

APPS = ("accounts", "billing", "common", "emails", "myproject", "operations", "settings")
BILLING_TO_EMAILS = 5
ROOT = Path(__file__).resolve().parent.parent
SERVICES = [
    path.relative_to(ROOT) for app in ("accounts", "billing") for path in sorted(ROOT.glob(f"{app}/services/*.py"))
]


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """The modules that each module imports, also inside functions. Tests aren't part of it."""
    graph = grimp.build_graph(*APPS)
    modules = [module for module in graph.modules if "tests" not in module.split(".")]
    return {module: graph.find_modules_directly_imported_by(module) for module in modules}


def cycle_in(edges: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def edges_between_siblings(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """The imports between the modules and packages of each package, and between the apps."""
    edges = defaultdict(set)
    for importer, imported_modules in imports.items():
        for imported in imported_modules:
            ours, theirs = importer.split("."), imported.split(".")
            depth = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
            if depth is not None:
                edges[".".join(ours[: depth + 1])].add(".".join(theirs[: depth + 1]))
    return edges


def test_layers_of_apps_and_packages_hold():
    # In its own process, because import-linter configures logging and would silence the loggers of other tests.
    check = "from importlinter import cli; raise SystemExit(cli.lint_imports())"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_modules_import_each_other(imports):
    assert cycle_in(imports) == []


def test_no_packages_import_each_other(imports):
    assert cycle_in(edges_between_siblings(imports)) == []


def test_billing_imports_little_from_emails(imports):
    found = [
        f"{importer} -> {imported}"
        for importer, imported_modules in imports.items()
        for imported in imported_modules
        if importer.startswith("billing.") and imported.startswith("emails")
    ]
    assert len(found) <= BILLING_TO_EMAILS, found


def test_cycles_are_found():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert cycle_in(edges_between_siblings({"a.x.p": {"a.y.p"}, "a.y.q": {"a.x.q"}})) == ["a.x", "a.y", "a.x"]
    assert cycle_in(edges_between_siblings({"a.x.p": {"a.y.p"}, "a.z.q": {"a.x.q"}})) == []


@pytest.mark.parametrize("path", SERVICES, ids=str)
def test_services_know_no_http(path):
    nodes = [*ast.walk(ast.parse((ROOT / path).read_text()))]
    imported = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    assert not [name for name in imported if name.startswith(("django.http", "rest_framework"))]
    requests = [node for node in nodes if isinstance(node, ast.arg) and node.arg == "request"]
    assert {ast.unparse(node.annotation) for node in requests if node.annotation} <= {"CustomerRequest"}  # a model
