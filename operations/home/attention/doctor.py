"""What ``manage.py doctor`` found when a worker last ran it."""

from collections.abc import Iterator
from datetime import datetime

from common.findings import Level
from operations.doctor import reports
from operations.home.attention.items import Item, Link, Urgency
from operations.home.links import list_url
from operations.models import Report

MAX_FINDINGS = 10
COMMAND = "python manage.py doctor"
URGENCIES = {Level.ERROR: Urgency.ACTION, Level.WARNING: Urgency.WATCH}


def findings(now: datetime) -> Iterator[Item]:
    report = reports.latest()
    problems = [finding for finding in report.findings if finding.level in URGENCIES] if report else []
    for finding in sorted(problems, key=lambda finding: URGENCIES[finding.level])[:MAX_FINDINGS]:
        yield Item(
            URGENCIES[finding.level],
            f"{finding.subject}: {finding.problem}",
            finding.fix,
            since=report.checked_at if report else None,
            link=Link(list_url(Report), "Open the installation"),
            command=COMMAND,
        )
