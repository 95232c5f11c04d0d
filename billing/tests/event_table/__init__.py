"""What each row of the table in docs/billing.md means, as facts that test_event_documentation.py checks.

There is one module for each area, with its rows in ``ROWS``. A new module is found by itself. Events that no story in
billing/testing/stories/ contains are in the ``*.toml`` files next to this one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from billing.testing.stories import all_stories
from billing.testing.stories.performance import Performance

FOLDER = Path(__file__).parent
STORIES = all_stories(FOLDER)

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """What an event does where it happens in ``story``, for the ``nth`` time.

    ``says`` is a part of the row's effect in the table, and ``after`` are the facts (test_event_documentation.py) that
    it stands for: each differs before the event, unless it is in ``stays``. ``emails`` are the keys of the emails that
    the event causes, by kind and as the table writes them; with ``to_staff``, they go to staff. ``logs`` is the level
    of a message for staff.
    """

    story: str
    says: str
    after: Facts = field(default_factory=dict)
    stays: Facts = field(default_factory=dict)
    emails: Mapping[str, str] = field(default_factory=dict)
    to_staff: bool = False
    logs: str = ""
    nth: int = 1
    prepare: Callable[[Performance], object] | None = None


def all_rows() -> dict[str, Row]:
    """Return the rows of all areas by event type."""
    rows: dict[str, Row] = {}
    for module in iter_modules([str(FOLDER)]):
        found: dict[str, Row] = import_module(f"{__name__}.{module.name}").ROWS
        assert not set(rows) & set(found), module.name
        rows |= found
    return rows
