"""The variables as findings: what is wrong with the form of each value."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from common.findings import Finding, Level

CHECK = "variables.form"


class Variable(Protocol):
    """What the settings know about a variable (settings/variables.py)."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def is_secret(self) -> bool: ...
    @property
    def problem(self) -> str: ...
    @property
    def fix(self) -> str: ...


def findings(variables: Iterable[Variable]) -> Iterator[Finding]:
    found = [
        Finding(CHECK, Level.ERROR, variable.name, variable.problem, variable.fix)
        for variable in variables
        if variable.problem
    ]
    yield from found or [Finding(CHECK, Level.OK, "variables")]
