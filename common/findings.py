"""What a check of the installation found: the problem in one line, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"  # works, but will cause trouble
    ERROR = "error"  # doesn't work; manage.py doctor exits with 1


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. ``problem`` and ``fix`` are one line each, without secrets, and empty if all is well."""

    check: str  # a stable name, such as "database" or "dns.spf", for --json and for tests
    level: Level
    subject: str  # what was checked, such as "DATABASE_URL" or "mail.example.com"
    problem: str = ""
    fix: str = ""
