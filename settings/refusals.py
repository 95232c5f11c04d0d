"""Words the refusal of a variable: its name, its value unless it may be a secret, its source, and what is allowed."""

import re
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

MAX_VALUE_CHARACTERS = 60
SECRET_NAMES = re.compile(r"(KEYS?|SECRETS?|TOKEN|PASSWORD|DSN)$")
# A key that ended up in the wrong variable.
SECRET_VALUES = re.compile(
    r"\b(?:SG\.|(?:re|seq|sk|rk|pk|whsec)_)\w|(?=[^\s,]*[0-9])(?=[^\s,]*[A-Za-z])[\w+/=$-]{20,}", re.ASCII
)
PLACEHOLDER = re.compile(r"<[^@]*>")
# A URL, or a host with a port. Neither can contain a password.
HARMLESS_URL = re.compile(
    r"([a-z][a-z0-9+.-]*://)?[\w.-]*(:[0-9]*)?(/[\w./-]*)?|[a-z][a-z0-9+.-]*://[\w.-]*:[a-z]+(/[\w./-]*)?",
    re.IGNORECASE,
)
SEARCHED_CHARACTERS = 1000  # these patterns would take minutes for a megabyte


class Refused(ImproperlyConfigured):
    """Why the settings don't load. ``problems``: pairs of what is wrong and what to do, which may be empty.

    ``variable``: the one whose value can't be parsed, so that nothing after it was checked.
    """

    def __init__(self, message: str, problems: Sequence[tuple[str, str]], variable: str = "") -> None:
        super().__init__(message)
        self.problems, self.variable = [*problems], variable


def refusal(var: str, value: str | None, source: str, allowed: str) -> Refused:
    """Return the error for a value. Without a ``source``, the value is a default."""
    shown = "" if value is None else shown_value(var, value)
    where = f" in {source}" if source else ""
    hint = " Write a comment on a line of its own." if value and re.search(r"\s#", value) else ""
    problem = f"{var}{shown}{where} has an invalid value."
    message = f"{problem} It must be {allowed}.{hint}"
    return Refused(message, [(problem, f"Set it to {allowed}.{hint}")], var)


def split_advice(sentence: str) -> tuple[str, str]:
    """Return what is wrong, and what to do, of a text such as "DEBUG is true; unset it"."""
    parts = re.split(r"; |(?<=[a-z])\. (?=[A-Z])", sentence, maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def shown_value(var: str, value: str) -> str:
    """Return an equals sign and the value, or its harmless part, or an empty string for a secret."""
    value = value[:SEARCHED_CHARACTERS]
    if SECRET_NAMES.search(var) or SECRET_VALUES.search(value) or PLACEHOLDER.fullmatch(value):
        return ""
    if var.endswith("_URL") and not is_harmless_url(value):
        scheme = re.match(r"[a-z][a-z0-9+.-]{0,20}://", value, re.IGNORECASE)
        return f"={scheme[0]}…" if scheme else ""
    if len(value) > MAX_VALUE_CHARACTERS:
        value = f"{value[:MAX_VALUE_CHARACTERS]}…"
    return "=" + "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)


def is_harmless_url(value: str) -> bool:
    """Return whether the value has the form of a URL or a host and can't contain a password."""
    has_url_form = "://" in value or "." in value or re.search(r":[0-9]+", value) or value == "localhost"
    return bool(has_url_form) and HARMLESS_URL.fullmatch(value) is not None
