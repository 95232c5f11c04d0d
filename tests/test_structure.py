"""The import graph: one direction between apps and packages, no cycles, and few imports from billing to emails."""

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest
from importlinter import cli

APPS = ("accounts", "billing", "common", "emails", "myproject", "settings")
BILLING_TO_EMAILS = 5


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
    assert cli.lint_imports() == 0


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
