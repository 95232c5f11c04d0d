"""docs/security.md names the test that proves each promise, and that test exists."""

import re

import pytest

from tests.support.stack import ROOT

CELL = re.compile(r"`((?:[a-z_]+/)*[a-z_]*\.py)?(?:::([A-Za-z_0-9]+))?`")


def named_tests() -> list[tuple[str, str]]:
    """Return (path, function) for each test that a table names. ``::function`` means the last path before it."""
    found, path = [], ""
    for line in (ROOT / "docs/security.md").read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| Threat"):
            names = CELL.findall(line.rstrip("| ").rpartition(" | ")[2])
            assert any(name != ("", "") for name in names), f"No test is named for: {line[:80]}"
            for new_path, function in names:
                path = new_path or path
                found.append((path, function))
    return found


@pytest.mark.parametrize(("path", "function"), sorted(set(named_tests())))
def test_named_test_exists(path, function):
    source = (ROOT / path).read_text()
    assert not function or re.search(rf"^def {function}\(", source, re.MULTILINE), f"{path} has no {function}"
