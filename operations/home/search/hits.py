"""What a search found: rows, each with what matters about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """One row. ``badge`` may be empty."""

    url: str
    label: str
    detail: str = ""
    badge: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one kind. ``more_url`` leads to the list with the rest, or is empty."""

    title: str
    hits: Sequence[Hit]
    more_url: str = ""
