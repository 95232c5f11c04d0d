"""What is the same for every provider's webhook."""

import base64
import binascii
import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings

from emails.tracking.event import Event, unreadable

UNIX_SECONDS = re.compile(r"[0-9]{1,12}")
MOST_SIGNATURES = 20  # in one header: a sender has a few secrets while it changes them


class MalformedPayload(ValueError):
    """A genuine request that is not in the form that the provider documents."""


class Receiver(ABC):
    """Knows one provider's signature and words. ``variable`` names the setting with its secrets."""

    provider: str
    variable: str

    @property
    def secrets(self) -> list[str]:
        found: list[str] = getattr(settings, self.variable)
        return found

    @abstractmethod
    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        """Whether the provider signed these bytes, lately enough at ``now``, a Unix time. Raises nothing."""

    @abstractmethod
    def trouble_with(self, secret: str) -> str:
        """Why this secret can never match; empty where it is of the right form."""

    @abstractmethod
    def items(self, payload: Any) -> list[Any]:
        """The events in a payload. Raises MalformedPayload."""

    @abstractmethod
    def event(self, item: dict[str, Any]) -> Event:
        """One of them, in neutral form."""

    def events(self, payload: Any) -> Iterator[Event]:
        """All of them; one that cannot be read spoils no other."""
        for item in self.items(payload):
            yield self.event(item) if is_readable(item) else unreadable(self.provider, item)


def is_readable(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("type", item.get("event")), str)


def is_fresh(timestamp: str, now: float, *, past: timedelta, future: timedelta) -> bool:
    """Whether a time in Unix seconds is that near to ``now``, limits included."""
    if not UNIX_SECONDS.fullmatch(timestamp):
        return False
    age = int(now) - int(timestamp)
    return -future.total_seconds() <= age <= past.total_seconds()


def hmac_sha256(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")


def matches(given: str, digest: bytes) -> bool:
    """In constant time; a signature with other characters than ASCII is none."""
    expected = base64.b64encode(digest)
    return hmac.compare_digest(given.encode(errors="replace"), expected)


def decoded(text: str) -> bytes:
    """Base64 to bytes; empty where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
