"""Findings as lines of text."""

from collections.abc import Iterable

from common.findings import Finding, Level

MARKS = {Level.OK: "ok", Level.WARNING: "WARNING", Level.ERROR: "ERROR"}


def as_text(findings: Iterable[Finding]) -> str:
    """Return a line for each finding, and below it the problem and the fix."""
    lines = []
    for finding in findings:
        lines.append(f"{MARKS[finding.level]:8} {finding.check:16} {finding.subject}")
        lines += [f"         {text}" for text in (finding.problem, finding.fix) if text]
    return "\n".join(lines)
