"""The alert rules in deploy/prometheus/alerts.yml, and when they fire."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import yaml

from tests.support import promql
from tests.support.promql import UNITS, Labels, Samples, Series
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


def promtool_test(samples: Samples, step: timedelta, end: float, firing: set[str]) -> dict[str, Any]:
    """Return a unit test for promtool: with these samples, exactly these alerts fire at the end."""
    seconds = int(step.total_seconds())
    expression = 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0'
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(firing)]
    return {
        "rule_files": [str(FILE)],
        "evaluation_interval": f"{seconds}s",
        "tests": [
            {
                "interval": f"{seconds}s",
                "input_series": [
                    {"series": notation(series), "values": " ".join(values(found, seconds, end))}
                    for series, found in samples.series.items()
                ],
                "promql_expr_test": [{"expr": expression, "eval_time": f"{int(end)}s", "exp_samples": expected}],
            }
        ],
    }


def notation(series: Series) -> str:
    name, labels = series
    return f"{name}{{{','.join(f'{label}={json.dumps(value)}' for label, value in sorted(labels))}}}"


def values(found: Sequence[tuple[float, float | None]], seconds: int, end: float) -> Iterator[str]:
    """Yield the value at each step. promtool writes _ for a missing value, and stale for a series that ended."""
    at, was_there = dict(found), False
    for time in range(0, int(end) + 1, seconds):
        value = at.get(float(time))
        yield repr(value) if value is not None else "stale" if was_there else "_"
        was_there = value is not None
