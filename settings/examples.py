"""Reads .env.example, the one place that says what each variable means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / ".env.example"
ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
DEFAULT = re.compile(r"\s*\[([^\[\]]*)\]\s*(\.?)")
FIRST_SENTENCE = re.compile(r".+?[a-z)\d]\.(?= [A-Z]|$)")


@dataclass(frozen=True, slots=True)
class Example:
    """A variable of .env.example. ``default`` is what stands in [brackets], and empty without them."""

    section: str
    name: str
    meaning: str
    default: str
    is_required: bool  # in production


@cache
def examples() -> tuple[Example, ...]:
    """Return the variables in the order of the file, or nothing if it isn't there."""
    try:
        text = EXAMPLE.read_text("utf-8")
    except OSError:
        return ()
    return tuple(read(text))


def read(text: str) -> Iterator[Example]:
    section, comment = "", list[str]()
    for line in text.splitlines():
        assignment = ASSIGNMENT.fullmatch(line)
        if line.startswith("#"):
            comment.append(line[1:].strip())
        elif assignment:
            meaning, default = split_default(" ".join(comment))
            yield Example(section, assignment[1], meaning, default, is_required=assignment[2] == "change-me")
            comment = []
        elif comment:  # a title, which an empty line follows
            section, comment = comment[-1], []


def split_default(comment: str) -> tuple[str, str]:
    """Return the meaning and the default, which stands in brackets at the end of a sentence."""
    found = [*DEFAULT.finditer(comment)]
    if not found:
        return comment, ""
    last = found[-1]
    return comment[: last.start()] + last[2] + comment[last.end() :], last[1]


def meaning_of(name: str) -> str:
    """Return the first sentence about the variable, or an empty string if .env.example doesn't know it."""
    for example in examples():
        if example.name == name:
            first = FIRST_SENTENCE.match(example.meaning)
            return first[0] if first else example.meaning
    return ""
