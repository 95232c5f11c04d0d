"""The event object around a payload: https://docs.stripe.com/api/events/object"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from billing.payloads import StripeObject

MAX_TYPE_LENGTH = 100
MAX_VERSION_LENGTH = 64


class NotAnEvent(ValueError):
    """Stripe signed the body, but it isn't an event that this endpoint accepts. The text says what to change."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event. ``created_at`` is by Stripe's clock, in whole seconds; ``data`` is the object it is about."""

    id: str
    type: str
    api_version: str
    livemode: bool
    account: str
    created_at: datetime
    data: StripeObject

    @classmethod
    def read(cls, body: bytes) -> "Envelope":
        """Parse a webhook's body. Raises ``NotAnEvent``."""
        event = StripeObject(parse_object(body))
        # Stripe's "thin" events contain no object, so every one of them would cost a call to the API.
        if event.text("object") == "v2.core.event":
            raise NotAnEvent(
                "This endpoint accepts only snapshot payloads. At Stripe, set its payload style to Snapshot."
            )
        event_type = event.text("type", MAX_TYPE_LENGTH)
        # The id is the key that recognizes repeated events, so it must fit into the column unchanged.
        if not event.id or event.data["id"] != event.id or not event_type:
            raise NotAnEvent("The body is not an event: it has no ID or no type.")
        return cls(
            id=event.id,
            type=event_type,
            api_version=event.text("api_version", MAX_VERSION_LENGTH),
            livemode=event.is_true("livemode"),
            account=event.ref("account"),
            created_at=event.moment("created") or datetime.now(UTC),
            data=event.inner("data", "object"),
        )


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object. Raises ``NotAnEvent`` for any other body."""
    try:
        event = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise NotAnEvent("The body is not JSON.") from None
    if not isinstance(event, dict):
        raise NotAnEvent("The body is not a JSON object.")
    return event
