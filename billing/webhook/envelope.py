"""The envelope of a Stripe event, which says what happened, when, and in which mode.

Stripe sends a snapshot: ``data.object`` is the whole object as it was when the event was created, and may be outdated
by the time it arrives. The format is documented at https://docs.stripe.com/api/events/object
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from billing.payloads import StripeObject
from common import strict_json

MAX_TYPE_LENGTH = 100
MAX_VERSION_LENGTH = 64
MAX_DEPTH = 64  # of nested JSON; Stripe's events have about ten levels


class NotAnEvent(ValueError):
    """Stripe signed the body, but it isn't an event that this endpoint accepts. The message says what to change."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event. ``data`` is the object that the event is about; the other fields describe the event itself."""

    id: str
    type: str
    api_version: str
    livemode: bool
    # The connected account that the event belongs to (acct_…). It is empty for events of our own account.
    account: str
    # The time on Stripe's clock, which counts whole seconds, so several events can have the same one.
    created_at: datetime
    data: StripeObject

    @classmethod
    def read(cls, body: bytes) -> "Envelope":
        """Parse a webhook's body. Raises ``NotAnEvent``."""
        event = StripeObject(parse_object(body))
        check_is_usable(event)
        return cls(
            id=event.id,
            type=event.text("type", MAX_TYPE_LENGTH),
            api_version=event.text("api_version", MAX_VERSION_LENGTH),
            livemode=event.is_true("livemode"),
            account=event.ref("account"),
            created_at=event.moment("created") or datetime.now(UTC),
            data=event.inner("data", "object"),
        )


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object. Raises ``NotAnEvent`` for any other body."""
    try:
        event = strict_json.loads(body.decode(), object_pairs_hook=without_duplicates)
    # Deeply nested JSON exceeds Python's recursion limit, and far less deep is enough where less of it is left.
    except (ValueError, RecursionError):
        raise NotAnEvent("The body is not JSON.") from None
    if not isinstance(event, dict):
        raise NotAnEvent("The body is not a JSON object.")
    if is_deeper_than(MAX_DEPTH, event):
        raise NotAnEvent(f"The body is nested more than {MAX_DEPTH} levels deep.")
    return event


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object. Raises ``ValueError`` if a key is there twice: each reader would choose another value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A key is there twice.")
    return found


def is_deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
        ]
    return any(isinstance(value, dict | list) for value in level)


def check_is_usable(event: StripeObject) -> None:
    """Raise ``NotAnEvent`` unless the event is a snapshot with an id and a type."""
    # Stripe's "thin" events contain no object, so every one of them would cost a call to the API.
    if event.text("object") == "v2.core.event":
        raise NotAnEvent("This endpoint accepts only snapshot payloads. At Stripe, set its payload style to Snapshot.")
    # Repeated deliveries are recognized by this id. If it had to be shortened to fit into the column, two different
    # events could get the same key, and the second one would be lost.
    if not event.id or event.data["id"] != event.id or not event.text("type", MAX_TYPE_LENGTH):
        raise NotAnEvent("The body is not an event: it has no ID or no type.")
