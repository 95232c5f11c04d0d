"""What is the same for every provider's webhook."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from emails.tracking.event import Event, unreadable


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
