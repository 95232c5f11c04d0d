"""Keeps the findings of the last examination, so that the admin can show them without a wait."""

import os
import socket
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from common.db import database_now
from common.findings import Finding, Level
from operations.doctor.comparison import different_variables, fingerprints
from operations.doctor.examination import examine
from operations.models import Report
from operations.models.reports import OLD_AFTER

ONLY = 1  # the primary key of the only row
ORDER = (Level.ERROR, Level.WARNING, Level.OK)


@dataclass(frozen=True, slots=True)
class LatestReport:
    """What the worker found, worst first. ``different``: variables that this process has with other values."""

    findings: list[Finding]
    checked_at: datetime
    process: str
    different: list[str]

    @property
    def is_old(self) -> bool:
        return timezone.now() - self.checked_at > OLD_AFTER


def latest() -> LatestReport | None:
    """Return the last report, or None if there is none yet. Costs one query by primary key."""
    report = Report.objects.filter(pk=ONLY).first()
    if report is None:
        return None
    findings = [finding for found in report.findings if (finding := restored(found))]
    return LatestReport(findings, report.checked_at, report.process, different_variables(report.fingerprints))


def restored(found: dict[str, Any]) -> Finding | None:
    """Return the finding, or None if another version of the code stored it in another form."""
    try:
        return Finding(**{**found, "level": Level(found["level"])})
    except (KeyError, TypeError, ValueError):
        return None


def make() -> None:
    """Examine the installation, as this process sees it, and keep the findings. Takes seconds if a service is down."""
    findings = sorted(examine(), key=lambda finding: ORDER.index(finding.level))
    Report.objects.update_or_create(
        pk=ONLY,
        defaults={
            "process": f"{socket.gethostname()}, process {os.getpid()}",
            "checked_at": database_now(),
            "findings": [asdict(finding) for finding in findings],
            "fingerprints": fingerprints(),
        },
    )
