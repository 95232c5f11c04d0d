"""What the lint reports."""

import enum
from dataclasses import dataclass


class Level(enum.StrEnum):
    """An error breaks the email for some readers. A warning makes it worse for some."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a template. Empty if only the rendered email is known."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault in an email, and the line of the template that it comes from."""

    place: Place
    level: Level
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.level} {self.rule}: {self.message}".removeprefix(": ")


def error(rule: str, message: str, place: Place) -> Finding:
    return Finding(place, Level.ERROR, rule, message)


def warning(rule: str, message: str, place: Place) -> Finding:
    return Finding(place, Level.WARNING, rule, message)
