"""What happened to a message, in order: when it was queued, every call to a provider, how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from emails.models import DeliveryAttempt, OutboundEmail, Status

ENDED_UNSENT = (Status.FAILED, Status.SUPPRESSED, Status.EXPIRED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Event:
    event: str
    at: datetime
    detail: str


def history(email: OutboundEmail) -> list[Event]:
    """Oldest first. Reads ``email.attempts.all()`` and ``email.events.all()``, which may be prefetched."""
    return sorted(events(email), key=lambda event: event.at)


def events(email: OutboundEmail) -> Iterator[Event]:
    yield Event("queued", email.created_at, "")
    for attempt in email.attempts.all():
        yield Event("attempt", attempt.created_at, "; ".join(filter(None, told_by(attempt))))
    for event in email.events.all():
        yield Event(event.type, event.occurred_at, ": ".join(filter(None, [event.recipient, event.detail])))
    if email.sent_at is not None:
        yield Event("sent", email.sent_at, taken_as(email))
    if email.status in ENDED_UNSENT and email.settled_at is not None:
        yield Event(email.status, email.settled_at, ": ".join(filter(None, [email.get_reason_display(), email.detail])))


def taken_as(email: OutboundEmail) -> str:
    return f"{email.provider}: {email.provider_message_id}" if email.provider_message_id else email.provider


def told_by(attempt: DeliveryAttempt) -> Iterator[str]:
    yield str(attempt)
    if attempt.status_code is not None:
        yield f"HTTP {attempt.status_code} {attempt.error_code}".strip()
    yield attempt.detail
    if attempt.calls:
        yield f"{attempt.calls} × no clear response"
    if attempt.crashes:
        yield f"{attempt.crashes} × its worker died"
    if attempt.settled_at is not None:
        yield f"settled after {(attempt.settled_at - attempt.created_at).total_seconds():.1f} s"
    elif attempt.due_at is not None and attempt.lease_token is None:
        yield f"will be repeated at {attempt.due_at:%Y-%m-%d %H:%M:%S} UTC"
