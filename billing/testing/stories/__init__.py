"""Stories: what happens to one customer, as the events that Stripe sends about it.

Each ``*.toml`` file next to this one has some of them. docs/billing.md explains how to add one.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DAY = 24 * 60 * 60
STORY_WORDS = {"about", "starts_with", "days_later", "items", "is_guest", "steps", "ends"}


@dataclass(frozen=True, slots=True)
class Step:
    """One event. ``changes`` are new values for fields of its object, ``of`` is the story's name for that object, and
    ``emails`` are the kinds of emails that it causes in this order of events.
    """

    event: str
    of: str = ""
    why: str = ""
    days_ago: int = 0
    emails: Sequence[str] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to one customer. ``items`` is what they buy first. A guest has no customer at Stripe.

    ``ends`` is the state afterward: ``subscription`` is a status, ``access`` is true or false, and ``payments`` has the
    state of each invoice or session by its name in the steps.
    """

    name: str
    about: str
    steps: Sequence[Step]
    items: Sequence[str] = ("first",)
    is_guest: bool = False
    ends: Mapping[str, Any] = field(default_factory=dict)


@cache
def all_stories(*others: Path) -> Mapping[str, Story]:
    """Return the stories in this folder and in others, by name, in the order of the files.

    Raises ``ValueError`` for a mistake in one of them.
    """
    entries = dict(entries_in([FOLDER, *others]))
    return {name: read(name, entries) for name in entries}


def entries_in(folders: Sequence[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    names = set()
    for path in [path for folder in folders for path in sorted(folder.glob("*.toml"))]:
        for name, entry in tomllib.loads(path.read_text()).items():
            if name in names:
                raise ValueError(f"There are two stories {name}.")
            names.add(name)
            yield name, entry


def read(name: str, entries: Mapping[str, dict[str, Any]]) -> Story:
    """Return the story, with the steps of the one that it starts with. Raises ``ValueError`` for a mistake in it."""
    entry = entries[name]
    unknown = set(entry) - STORY_WORDS
    if unknown:
        raise ValueError(f"The story {name} has the unknown entry {', '.join(sorted(unknown))}.")
    steps = [read_step(name, step) for step in entry.get("steps", [])]
    first = entry.get("starts_with", "")
    before: Sequence[Step] = ()
    if first:
        if first not in entries:
            raise ValueError(f"The story {name} starts with {first!r}, which is not a story.")
        later = entry.get("days_later", 0)
        before = [replace(step, days_ago=step.days_ago + later) for step in read(first, entries).steps]
    if not entry.get("about") or not steps:
        raise ValueError(f"The story {name} needs a sentence in about, and steps.")
    items = entry.get("items") or (read(first, entries).items if first else ("first",))
    ends = entry.get("ends", {})
    return Story(name, entry["about"], [*before, *steps], items, bool(entry.get("is_guest")), ends)


def read_step(story: str, entry: Mapping[str, Any]) -> Step:
    words = {name: entry[name] for name in ("event", "of", "why", "days_ago", "emails") if name in entry}
    if not words.get("event"):
        raise ValueError(f"A step of the story {story} names no event.")
    return Step(**words, changes={name: value for name, value in entry.items() if name not in words})


def moments(story: Story, now: int) -> list[int]:
    """Return when each step happens, in Unix seconds: one second after another, the last one now."""
    count = len(story.steps)
    return [now - step.days_ago * DAY - (count - number - 1) for number, step in enumerate(story.steps)]
