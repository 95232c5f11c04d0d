"""Findings as text for a terminal, and as JSON for programs. Needs neither settings nor a database."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from common.findings import Finding, Level
from operations.doctor.variables import Variable

FORMAT = 1  # of the JSON; it grows if a field changes its meaning
TITLES = {
    "settings": "Settings",
    "variables": "Variables",
    "site": "Site",
    "keys": "Secrets",
    "email": "Email",
    "brand": "Brand",
    "payments": "Payments",
    "static": "Static files",
    "django": "Django's checks",
    "database": "Database",
    "redis": "Redis",
    "processes": "Worker and beat",
    "outbox": "Outbox",
    "webhooks": "Webhooks",
    "network": "Network",
    "clock": "Clock",
    "dns": "Sending domain in DNS",
    "provider": "Sending domain at the provider",
}
COLORS = {Level.ERROR: "31;1", Level.WARNING: "33", Level.OK: "32"}
EMPTY = "(not set)"
NAME_CHARACTERS = 44


def status_of(findings: Iterable[Finding]) -> Level:
    """Return the worst level."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.ERROR, Level.WARNING) if level in levels), Level.OK)


def as_json(environment: str, variables: Iterable[Variable], findings: Sequence[Finding]) -> str:
    """Return what docs/deployment.md describes."""
    names = ("name", "value", "source", "is_secret")
    return json.dumps(
        {
            "format": FORMAT,
            "settings": environment,
            "status": status_of(findings),
            "variables": [{name: getattr(variable, name) for name in names} for variable in variables],
            "findings": [asdict(finding) for finding in findings],
        },
        indent=2,
    )


def as_text(
    environment: str, variables: Sequence[Variable], findings: Sequence[Finding], *, is_verbose: bool, has_colors: bool
) -> Iterator[str]:
    """Yield lines: the variables that are set, then each group with its problems, then a summary."""
    yield f"Settings: {environment}"
    yield ""
    yield from lines_of_variables(variables, is_verbose=is_verbose)
    for title, group in groups(findings):
        problems = [finding for finding in group if is_verbose or finding.level != Level.OK]
        state = "" if problems else f"  {colored('ok', Level.OK, has_colors)}"
        yield f"{title}{state}"
        yield from (line_of(finding, has_colors=has_colors) for finding in problems)
    yield ""
    yield summary(findings)


def lines_of_variables(variables: Sequence[Variable], *, is_verbose: bool) -> Iterator[str]:
    """Yield a line for each variable that is set; with ``is_verbose``, also for those with a default."""
    shown = [variable for variable in variables if is_verbose or variable.source != "default"]
    if not shown:
        return
    width = min(NAME_CHARACTERS, max(len(variable.name) for variable in shown))
    for variable in shown:
        yield f"{variable.name:{width}}  {variable.value or EMPTY}  [{variable.source}]"
    yield ""


def groups(findings: Iterable[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """Yield each group with its findings, in the order in which the groups first appear."""
    by_title: dict[str, list[Finding]] = {}
    for finding in findings:
        prefix = finding.check.partition(".")[0]
        by_title.setdefault(TITLES.get(prefix, prefix.capitalize()), []).append(finding)
    yield from by_title.items()


def line_of(finding: Finding, *, has_colors: bool) -> str:
    level = colored(f"{finding.level:7}", finding.level, has_colors)
    problem = finding.problem or finding.check
    # Many problems begin with their subject.
    subject = "" if not finding.subject or problem.startswith(f"{finding.subject} ") else f"{finding.subject}: "
    return f"  {level}  {subject}{problem} {finding.fix}".rstrip()


def colored(text: str, level: Level, has_colors: bool) -> str:
    return f"\033[{COLORS[level]}m{text}\033[0m" if has_colors else text


def summary(findings: Sequence[Finding]) -> str:
    errors = sum(finding.level == Level.ERROR for finding in findings)
    warnings = sum(finding.level == Level.WARNING for finding in findings)
    if not errors and not warnings:
        return "Everything is fine."
    counts = [counted(errors, "error"), counted(warnings, "warning")]
    return f"{' and '.join(filter(None, counts))}."


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}" if number else ""
