"""Readers for the values in a provider's event. They accept anything and never raise.

An event that breaks its documented form must still be stored: it may be the only report of a bounce.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from common.redaction import CONTROL_CHARACTERS, KEY_PATTERNS, redact

KEY_SETTINGS = (
    "SEQUENZY_API_KEY",
    "SEQUENZY_CONTACTS_API_KEY",
    "RESEND_API_KEY",
    "RESEND_CONTACTS_API_KEY",
    "SENDGRID_API_KEY",
    "SENDGRID_CONTACTS_API_KEY",
)
REDACTED = "[removed]"
# PostgreSQL and Python both limit how deeply JSON may be nested. Real events have a few levels.
MAX_DEPTH = 32
MAX_ADDRESS_CHARACTERS = 320
MAX_ID_CHARACTERS = 255
# SendGrid's samples contain Unix times in seconds and in milliseconds. In seconds, this number is the year 33658.
MILLISECONDS_FROM = 10**12
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST_AHEAD = timedelta(days=1)


def storable(value: Any, depth: int = 0) -> Any:
    """Return a copy of ``value`` that PostgreSQL accepts as JSON and that contains no API key.

    PostgreSQL refuses NUL characters, lone surrogates, NaN, and Infinity.
    """
    if isinstance(value, str):
        return CONTROL_CHARACTERS.sub(" ", KEY_PATTERNS.sub(REDACTED, without_own_keys(value)))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {storable(str(key)): storable(item, depth + 1) for key, item in value.items()}
    return [storable(item, depth + 1) for item in value] if isinstance(value, list) else value


def without_own_keys(value: str) -> str:
    """Replace this installation's API keys, which no pattern can recognize in every provider's format."""
    for name in KEY_SETTINGS:
        key = getattr(settings, name)
        if key and key in value:
            value = value.replace(key, REDACTED)
    return value


def text(value: Any) -> str:
    """Return the value as short text for a person, without API keys. Empty for objects and missing values."""
    if isinstance(value, list):
        return "; ".join(filter(None, map(text, value)))
    return redact(without_own_keys(str(value))) if isinstance(value, str | int | float) else ""


def joined_text(*values: Any) -> str:
    """Return the values that aren't empty as one text, separated by spaces."""
    return " ".join(filter(None, map(text, values)))


def identifier(value: Any) -> str:
    return text(value)[:MAX_ID_CHARACTERS]


def address(value: Any) -> str:
    """Return the bare email address in lowercase, also from ``Name <address>``."""
    found = text(value)
    if found.endswith(">") and "<" in found:
        found = found[found.rindex("<") + 1 : -1]
    return found.strip().lower()[:MAX_ADDRESS_CHARACTERS]


def uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def timestamp(value: Any) -> datetime:
    """Read Unix seconds, Unix milliseconds, or ISO 8601. Return the current time if the value isn't plausible."""
    now = timezone.now()
    try:
        found = _parse_timestamp(value)
    except (ValueError, OverflowError, OSError):
        return now
    # A wrong clock or unit must not decide the order of events.
    return found if EARLIEST <= found <= now + LATEST_AHEAD else now


def _parse_timestamp(value: Any) -> datetime:
    if isinstance(value, str) and not value.strip().isdigit():
        found = datetime.fromisoformat(value.strip())
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    # In Python, True is also the int 1.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("The value isn't a valid time.")
    seconds = float(value)
    return datetime.fromtimestamp(seconds / 1000 if seconds >= MILLISECONDS_FROM else seconds, UTC)


def nested(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under ``key``, or an empty one if there is something else."""
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> Sequence[Any]:
    """Return a list as it is, and a single value as a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
