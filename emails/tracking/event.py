"""The neutral form of a provider's event.

Every provider's receiver translates its events to this form, so the rest of the app knows no provider's vocabulary.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from emails.models import DeliveryEvent, Suppression
from emails.tracking import values

Type = DeliveryEvent.Type
Severity = DeliveryEvent.Severity
Cause = Suppression.Cause


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """One thing that happened to one message at one recipient, as a provider reported it."""

    # The name of the provider that reported the event, such as "resend".
    provider: str
    type: Type
    # When it happened, by the provider's clock.
    occurred_at: datetime
    # Equal for two deliveries of the same event; see fingerprint().
    fingerprint: str
    # The event as it arrived, in a form that can be stored.
    raw: Any
    # A Severity. Only bounces have one.
    severity: str = ""
    # Our ID of the message, if the provider carried it along.
    message_id: UUID | None = None
    # The provider's ID of the message.
    provider_message_id: str = ""
    # The email address in lowercase.
    recipient: str = ""
    # What the provider or the receiving server wrote about it.
    detail: str = ""
    # A Cause: why the address is on the provider's own suppression list.
    cause: str = ""
    # True if the event is about one of several recipients and doesn't say about which one.
    is_recipient_guessed: bool = False
    # True if the provider copied the recipient from the message's list of recipients. Then the event is certainly about
    # this address only if the message has a single recipient.
    is_recipient_from_list: bool = False
    # True if the event is about the address itself, because the provider's suppression list changed. Then it belongs to
    # no message.
    is_about_address: bool = False
    # True for an unsubscribe from one group of emails, which the provider itself keeps in mind.
    is_about_a_group: bool = False


def fingerprint(payload: Any, message_id: Any = None, *facts: Any) -> str:
    """Return a hash of what the event reports: the message and the facts, or the payload if it has no message.

    Neither may contain SendGrid's event ID, because it has been seen to change between two deliveries of one event.
    """
    content = (message_id, *facts) if message_id else payload
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def unreadable(provider: str, payload: Any) -> ReportedEvent:
    """Return an event that changes nothing. It is stored, so a person can look at it."""
    return ReportedEvent(
        provider=provider,
        type=Type.OTHER,
        occurred_at=timezone.now(),
        fingerprint=fingerprint(payload),
        raw=values.storable(payload),
        detail="It can't be read.",
    )
