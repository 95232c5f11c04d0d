"""A check, the troubles that it may find, and how they become findings."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings

from common.findings import Finding, Level
from common.redaction import redact

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a check found to be wrong. ``subject`` is empty if it is the subject of the check."""

    level: Level
    problem: str
    fix: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A function that yields troubles. If it yields nothing, all is well."""

    name: str  # stable, such as "site.app_url", because --json shows it
    subject: str
    troubles: Callable[[], Iterable[Trouble]]


def error(problem: str, fix: str, subject: str = "") -> Trouble:
    return Trouble(Level.ERROR, problem, fix, subject)


def warning(problem: str, fix: str, subject: str = "") -> Trouble:
    return Trouble(Level.WARNING, problem, fix, subject)


def serious(problem: str, fix: str, subject: str = "") -> Trouble:
    """Return an error in production. Elsewhere, it is only a warning."""
    return Trouble(Level.ERROR if settings.IS_PRODUCTION else Level.WARNING, problem, fix, subject)


def findings_of(check: Check) -> Iterator[Finding]:
    """Run the check. A check that fails is a finding as well, and never keeps the others from running."""
    try:
        troubles = [*check.troubles()]
    except Exception as failure:  # whatever is broken, the other checks must run
        logger.debug("The check %s failed.", check.name, exc_info=True)
        text = f"{type(failure).__name__}: {redact(str(failure))}"
        troubles = [error(f"The check itself failed: {text}", "Run it with --traceback, and report the error.")]
    for trouble in troubles:
        subject = trouble.subject or check.subject
        yield Finding(check.name, trouble.level, subject, one_line(trouble.problem), one_line(trouble.fix))
    if not troubles:
        yield Finding(check.name, Level.OK, check.subject)


def one_line(text: str) -> str:
    return " ".join(text.split())
