"""The base class of the receivers, one for each provider.

Anybody can send a request to a webhook, and an event can suppress an address. So ``is_genuine()`` checks the signature
on the raw bytes, before anything else looks at the body.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from emails.tracking.event import ReportedEvent, unreadable


class MalformedPayload(ValueError):
    """A signed request whose body doesn't have the form that the provider documents."""


class Receiver(ABC):
    """Checks one provider's signature and translates its events."""

    provider: str
    # The name of the setting that holds the secrets. Logs and system checks show this name, never a secret.
    variable: str

    @property
    def secrets(self) -> list[str]:
        found: list[str] = getattr(settings, self.variable)
        return found

    @abstractmethod
    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        """Return whether the provider signed these bytes recently. ``now`` is a Unix time. Raises nothing."""

    @abstractmethod
    def problem_with(self, secret: str) -> str:
        """Return why no signature can match this secret, or an empty string if the secret has the right form."""

    @abstractmethod
    def items(self, payload: Any) -> list[Any]:
        """Return the events in a payload. Raises ``MalformedPayload``."""

    @abstractmethod
    def event(self, item: dict[str, Any]) -> ReportedEvent:
        """Return one item as a neutral event.

        Raises nothing: a missing field, or one of an unexpected type, is read as an empty value (tracking/values.py).
        """

    def events(self, payload: Any) -> Iterator[ReportedEvent]:
        """Yield every item as a neutral event.

        An unreadable item is recorded without any effect. An error would make the provider repeat the whole request,
        and the readable events in it would never be recorded.
        """
        for item in self.items(payload):
            yield self.event(item) if is_readable(item) else unreadable(self.provider, item)


def is_readable(item: Any) -> bool:
    # Resend and Sequenzy name the event in "type", and SendGrid in "event".
    return isinstance(item, dict) and isinstance(item.get("type", item.get("event")), str)
