"""What ``manage.py doctor`` found when it last ran."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from common.findings import Finding, Level
from operations.home.attention.items import Item, Urgency

MAX_FINDINGS = 10
COMMAND = "python manage.py doctor"
URGENCIES = {Level.ERROR: Urgency.ACTION, Level.WARNING: Urgency.WATCH}


class Report(Protocol):
    @property
    def findings(self) -> Sequence[Finding]: ...

    @property
    def checked_at(self) -> datetime: ...


def latest() -> Report | None:
    """Return the newest stored report, or None if there is none."""
    return None


def findings(now: datetime) -> Iterator[Item]:
    report = latest()
    problems = [finding for finding in report.findings if finding.level in URGENCIES] if report else []
    for finding in sorted(problems, key=lambda finding: URGENCIES[finding.level])[:MAX_FINDINGS]:
        yield Item(
            URGENCIES[finding.level],
            f"{finding.subject}: {finding.problem}",
            finding.fix,
            since=report.checked_at if report else None,
            command=COMMAND,
        )
