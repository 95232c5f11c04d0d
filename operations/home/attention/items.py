"""One item that needs attention, and the words for how many there are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from common.badges import Tone, badge
from common.lists import MAX_LISTED

# Failures stay in the lists, but nobody acts on those of last month.
WINDOW = timedelta(days=7)


class Urgency(IntEnum):
    """The order of the items."""

    EVERYTHING_STOPS = 0  # no email goes out, or no money comes in
    DEADLINE = 1  # it's too late soon
    ACTION = 2  # somebody waits until a person acts
    WATCH = 3  # it may solve itself

    @property
    def badge(self) -> SafeString:
        return BADGES[self]


BADGES = {
    Urgency.EVERYTHING_STOPS: badge("Now", Tone.BAD),
    Urgency.DEADLINE: badge("Deadline", Tone.BAD),
    Urgency.ACTION: badge("To do", Tone.WARNING),
    Urgency.WATCH: badge("Watch", Tone.BUSY),
}


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Item:
    """What is wrong in one sentence, and how to fix it.

    ``since`` is when it began, ``until`` a deadline. ``button`` posts to its URL, and ``command`` is for a terminal.
    """

    urgency: Urgency
    sentence: str
    fix: str
    since: datetime | None = None
    until: datetime | None = None
    link: Link | None = None
    button: Link | None = None
    command: str = ""


def bounded(rows: QuerySet[Any]) -> int:
    """Return how many rows there are, but count no further than one more than a list shows."""
    return rows[: MAX_LISTED + 1].count()


def how_many(count: int, one: str, several: str) -> str:
    """Return ``1 email``, ``12 emails``, or ``more than 1,000 emails``."""
    if count > MAX_LISTED:
        return f"more than {MAX_LISTED:,} {several}"
    return f"{count:,} {one if count == 1 else several}"
