"""Domain names in the form in which they are compared, and text from DNS in a form that is safe to show."""

import re
from collections.abc import Iterable

import idna

from common.email_addresses import encode_domain

MAX_NAME = 253
MAX_SHOWN = 500
# Underscores and other printable characters occur in the names of real records. A backslash would begin an escape.
LABEL = re.compile(r"[!-\[\]-~]{1,63}")
INVISIBLE = re.compile(r"\s+")


def canonical(name: str) -> str:
    """Return the name in lower case, in ASCII, and without the final dot; an empty string if it isn't a name."""
    name = name.strip().lower().removesuffix(".")
    if len(name) > MAX_NAME:
        return ""
    try:
        ascii_name = encode_domain(name)
    except (idna.IDNAError, UnicodeError):
        return ""
    is_valid = len(ascii_name) <= MAX_NAME and all(LABEL.fullmatch(label) for label in ascii_name.split("."))
    return ascii_name.lower() if is_valid else ""


def with_parents(name: str) -> list[str]:
    """Return the name and all its parents, longest first: mail.example.com, example.com, com."""
    labels = name.split(".")
    return [".".join(labels[number:]) for number in range(len(labels))]


def is_within(name: str, domain: str) -> bool:
    """Return whether the name is the domain or below it."""
    return name == domain or name.endswith(f".{domain}")


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """Return text from DNS or an API in one line, without characters that a terminal or a reader could misread."""
    line = INVISIBLE.sub(" ", text).strip()
    safe = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    return safe if len(safe) <= limit else f"{safe[:limit]}…"


def listed(values: Iterable[str], limit: int = 3) -> str:
    """Return the first values as they are shown to people."""
    values = [shown(value, 200) for value in values]
    rest = f" and {len(values) - limit} more" if len(values) > limit else ""
    return ", ".join(values[:limit]) + rest
