"""A message's history: when it was queued, each call to a provider, each event from it, and how the message ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from emails.models import DeliveryAttempt, OutboundEmail, Status

ENDED_UNSENT = (Status.FAILED, Status.SUPPRESSED, Status.EXPIRED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of a message's history. /dev/inbox.json publishes the field names as keys."""

    event: str
    at: datetime
    detail: str


def history(email: OutboundEmail) -> list[HistoryEntry]:
    """Return all entries, oldest first.

    To list many messages without a query for each one, prefetch ``attempts`` and ``events``.
    """
    # A provider's event can happen before the time at which we record that the message was sent.
    return sorted(entries(email), key=lambda entry: entry.at)


def entries(email: OutboundEmail) -> Iterator[HistoryEntry]:
    yield HistoryEntry("queued", email.created_at, "")
    for attempt in email.attempts.all():
        yield HistoryEntry("attempt", attempt.created_at, "; ".join(filter(None, attempt_details(attempt))))
    for event in email.events.all():
        yield HistoryEntry(event.type, event.occurred_at, ": ".join(filter(None, [event.recipient, event.detail])))
    if email.sent_at is not None:
        yield HistoryEntry("sent", email.sent_at, ": ".join(filter(None, [email.provider, email.provider_message_id])))
    if email.status in ENDED_UNSENT and email.settled_at is not None:
        detail = ": ".join(filter(None, [email.get_reason_display(), email.detail]))
        yield HistoryEntry(email.status, email.settled_at, detail)


def attempt_details(attempt: DeliveryAttempt) -> Iterator[str]:
    """Yield what is known about one attempt, in short phrases. Some of them may be empty."""
    yield str(attempt)
    if attempt.fallback_for:
        yield f"stood in for {attempt.fallback_for}, which couldn't be used"
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
