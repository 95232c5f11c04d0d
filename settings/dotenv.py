"""Reads .env and knows the line of each variable, so that an error message can name it."""

import re
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

ASSIGNMENT = re.compile(r"(?:export )?([A-Za-z_0-9]+)=.*")  # the form that django-environ understands


class DotEnv(NamedTuple):
    """The text of the file, without blank lines and comments, and the number of the line of each variable."""

    text: str
    lines: dict[str, int]


def read_dotenv(path: Path) -> DotEnv:
    """Return the content of the file, which is empty if there is none.

    Raises ImproperlyConfigured if the file can't be read, with the line that is at fault. Never with its content, which
    may be a secret.
    """
    kept: list[str] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if not (match := ASSIGNMENT.fullmatch(stripped)):
            raise ImproperlyConfigured(f"{path.name}, line {number}: {advice_on(stripped)}")
        kept.append(stripped)
        lines[match[1]] = number  # of two lines with one name, django-environ takes the last
    return DotEnv("\n".join(kept), lines)


def text_of(path: Path) -> str:
    """Return the text without a byte order mark, with which some editors begin a file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    except IsADirectoryError:
        raise ImproperlyConfigured(f"{path.name} is a folder. Delete it, and copy .env.example to .env.") from None
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path.name} can't be read: {error.strerror}. Let the user who runs this command read it."
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise ImproperlyConfigured(f"{path.name}, line {number}: this isn't UTF-8. Save the file as UTF-8.") from None
    if "\0" in text:
        raise ImproperlyConfigured(f"{path.name} isn't a text file. Save it as UTF-8.")
    return text


def advice_on(line: str) -> str:
    """Return what is wrong with a line that is no assignment."""
    name = re.match(r"(?:export )?([A-Z][A-Z_0-9]*)(?![A-Za-z])", line)
    subject = f"{name[1]} is not followed by = and a value" if name else "this is not a variable"
    return f"{subject}. Write NAME=value without spaces around =, or # before a comment."
