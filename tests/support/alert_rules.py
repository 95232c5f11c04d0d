"""The alert rules in deploy/prometheus/alerts.yml, and when they fire."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.support import promql
from tests.support.promql import UNITS, Labels, Samples
from tests.support.stack import ROOT

FILE = ROOT / "deploy" / "prometheus" / "alerts.yml"


@dataclass
class Rule:
    """One rule. ``since`` says for which labels its condition holds, and since when."""

    name: str
    expression: str
    seconds: float
    severity: str
    summary: str
    runbook: str
    since: dict[Labels, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parsed = promql.parse(self.expression)

    def evaluate(self, samples: Samples, time: float) -> bool:
        """Return whether the rule fires. Call it at every scrape, in order."""
        active = promql.as_vector(self.parsed.evaluate(samples, time))
        self.since = {labels: self.since.get(labels, time) for labels in active}
        return any(time - began >= self.seconds for began in self.since.values())


def rules() -> list[Rule]:
    return [*read(yaml.safe_load(FILE.read_text()))]


def read(document: Any) -> Iterator[Rule]:
    """Yield the rules. A key that this doesn't know is an error, because it could change what the rule does."""
    for group in taken(document, "groups")[0]:
        _, found = taken(group, "name", "rules")
        for rule in found:
            name, expression, wait, labels, annotations = taken(rule, "alert", "expr", "for", "labels", "annotations")
            number, unit = re.fullmatch(r"(\d+)([smhd])", wait).groups()  # type: ignore[union-attr]
            [severity] = taken(labels, "severity")
            summary, runbook = taken(annotations, "summary", "runbook")
            yield Rule(name, expression, int(number) * UNITS[unit], severity, summary, runbook)


def taken(mapping: dict[str, Any], *keys: str) -> list[Any]:
    assert set(mapping) == set(keys), f"{sorted(mapping)} instead of {sorted(keys)}"
    return [mapping[key] for key in keys]
