"""Findings in the words that all these checks share."""

from common.findings import Finding, Level
from emails.domains.names import shown

REPEAT = "Repeat the check. If it goes on, ask your DNS host, because receivers can't read these records either."


def fine(check: str, subject: str) -> Finding:
    return Finding(check, Level.OK, shown(subject))


def warning(check: str, subject: str, problem: str, fix: str) -> Finding:
    return Finding(check, Level.WARNING, shown(subject), shown(problem, 2000), shown(fix, 3000))


def error(check: str, subject: str, problem: str, fix: str) -> Finding:
    return Finding(check, Level.ERROR, shown(subject), shown(problem, 2000), shown(fix, 3000))


def unreadable(check: str, subject: str, reason: str) -> Finding:
    """A failed lookup proves nothing about the record, so it is only a warning."""
    return warning(check, subject, f"lookup_error: {reason}.", REPEAT)


def to_add(record: str) -> str:
    """Return how to add a record: its type, its name, and its value."""
    return f"At your DNS host, add: {record}"
