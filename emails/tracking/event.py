"""An event in neutral form, and how to read what providers write without ever failing on it."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from common.redaction import CONTROL_CHARACTERS, KEY_PATTERNS, redact
from emails.models import DeliveryEvent, Suppression

Type = DeliveryEvent.Type
Severity = DeliveryEvent.Severity
Cause = Suppression.Cause

KEY_SETTINGS = ("SEQUENZY_API_KEY", "SEQUENZY_CONTACTS_API_KEY", "RESEND_API_KEY", "SENDGRID_API_KEY")
DEPTH = 32
ADDRESS_CHARACTERS = 320
ID_CHARACTERS = 255
MILLISECONDS = 10**12  # a Unix time of that size, or more, is in milliseconds
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a message at one recipient.

    ``message_id`` is ours, ``provider_message_id`` theirs. ``cause``: why the provider's own list holds the address.
    ``is_guess``: the recipient may be another; ``is_listed``: it is read from the message, so it is certain only where
    the message has no other.
    """

    provider: str
    type: Type
    occurred_at: datetime
    fingerprint: str
    raw: Any
    severity: str = ""
    message_id: UUID | None = None
    provider_message_id: str = ""
    recipient: str = ""
    detail: str = ""
    cause: str = ""
    is_guess: bool = False
    is_listed: bool = False


def fingerprint(item: Any, *said: Any) -> str:
    """A hash of what the event says: of ``said``, which begins with the message, or of all of it where that is missing.

    Not of the provider's event id: SendGrid's has been seen to change between two deliveries of one event.
    """
    content = said if said and said[0] else item
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def unreadable(provider: str, item: Any) -> Event:
    """What cannot be read is kept, and changes nothing."""
    return Event(provider, Type.OTHER, timezone.now(), fingerprint(item), storable(item), detail="It can't be read.")


def storable(value: Any, depth: int = 0) -> Any:
    """As PostgreSQL's JSON takes it: no NUL, no half characters, no infinities; and nothing that looks like a key."""
    if isinstance(value, str):
        return CONTROL_CHARACTERS.sub(" ", KEY_PATTERNS.sub("[removed]", without_our_keys(value)))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict | list) and depth >= DEPTH:
        return "…"
    if isinstance(value, dict):
        return {storable(str(key)): storable(item, depth + 1) for key, item in value.items()}
    return [storable(item, depth + 1) for item in value] if isinstance(value, list) else value


def without_our_keys(value: str) -> str:
    for name in KEY_SETTINGS:
        key = getattr(settings, name)
        if key and key in value:
            value = value.replace(key, "[removed]")
    return value


def text(value: Any) -> str:
    """The value as text for a person, short and without what looks like a key."""
    if isinstance(value, list):
        return "; ".join(filter(None, map(text, value)))
    return redact(without_our_keys(str(value))) if isinstance(value, str | int | float) else ""


def joined(*values: Any) -> str:
    return " ".join(filter(None, map(text, values)))


def identifier(value: Any) -> str:
    return text(value)[:ID_CHARACTERS]


def address(value: Any) -> str:
    """The bare address in lower case; from ``Name <address>`` too."""
    found = text(value)
    if found.endswith(">") and "<" in found:
        found = found[found.rindex("<") + 1 : -1]
    return found.strip().lower()[:ADDRESS_CHARACTERS]


def uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def moment(value: Any) -> datetime:
    """From Unix seconds, Unix milliseconds or ISO 8601; the time of receipt where nobody can read it."""
    now = timezone.now()
    try:
        found = _moment(value)
    except (ValueError, OverflowError, OSError):
        return now
    return found if EARLIEST <= found <= now + timedelta(days=1) else now


def _moment(value: Any) -> datetime:
    if isinstance(value, str) and not value.strip().isdigit():
        found = datetime.fromisoformat(value.strip())
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("This is not a valid time.")
    seconds = float(value)
    return datetime.fromtimestamp(seconds / 1000 if seconds >= MILLISECONDS else seconds, UTC)


def inner(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object within an object; empty where it is something else."""
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def entries(value: Any) -> Sequence[Any]:
    """A list; one value counts as a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
