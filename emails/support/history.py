"""A message's history: when it was queued, each call to a provider, each event from it, and how the message ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.redaction import without_addresses
from emails.models import DeliveryAttempt, OutboundEmail, Status

Outcome = DeliveryAttempt.Outcome

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
    attempts = sorted(email.attempts.all(), key=lambda attempt: attempt.created_at)
    for number, attempt in enumerate(attempts, start=1):
        details = attempt_details(attempt, attempts[number:], email)
        yield HistoryEntry("attempt", attempt.created_at, "; ".join(filter(None, details)))
    for event in email.events.all():
        yield HistoryEntry(event.type, event.occurred_at, ": ".join(filter(None, [event.recipient, event.detail])))
    if email.sent_at is not None:
        yield HistoryEntry("sent", email.sent_at, ": ".join(filter(None, [email.provider, email.provider_message_id])))
    if email.status in ENDED_UNSENT and email.settled_at is not None:
        detail = ": ".join(filter(None, [email.get_reason_display(), email.detail]))
        yield HistoryEntry(email.status, email.settled_at, detail)


def attempt_details(attempt: DeliveryAttempt, later: Sequence[DeliveryAttempt], email: OutboundEmail) -> Iterator[str]:
    """Yield what is known about one attempt of the email, in short phrases. Some of them may be empty."""
    is_split = attempt.outcome == Outcome.SPLIT
    yield f"{attempt.provider}: {(Outcome.REFUSED.label if is_split else attempt.get_outcome_display())}"
    if attempt.fallback_for:
        yield f"stood in for {attempt.fallback_for}, which couldn't be used"
    if attempt.status_code is not None:
        yield f"HTTP {attempt.status_code} {attempt.error_code}".strip()
    yield split_detail(attempt, later) if is_split else own_detail(attempt, email)
    if attempt.calls:
        yield f"{attempt.calls} × no clear response"
    if attempt.crashes:
        yield f"{attempt.crashes} × its worker died"
    if attempt.settled_at is not None:
        yield f"settled after {(attempt.settled_at - attempt.created_at).total_seconds():.1f} s"
    elif attempt.due_at is not None and attempt.lease_token is None:
        yield f"will be repeated at {attempt.due_at:%Y-%m-%d %H:%M:%S} UTC"


def split_detail(attempt: DeliveryAttempt, later: Sequence[DeliveryAttempt]) -> str:
    """Return what the refusal of a call with several messages meant for one of them.

    The provider's explanation isn't part of it, because it may quote the message of another person.
    """
    refused = f"The call of {attempt.carried_messages} messages was refused"
    for attempt_of_it in later:
        size = attempt_of_it.carried_messages
        if attempt_of_it.outcome == Outcome.ACCEPTED and attempt_of_it.provider == attempt.provider:
            how = "on its own" if size == 1 else f"in a call of {size} messages"
            return f"{refused} because of another message; this one was sent {how}."
        if size == 1 and is_same_refusal(attempt, attempt_of_it):
            return f"{refused}, and so was this message on its own."
    return f"{refused} because of at least one of them; each is sent again in a smaller call."


def is_same_refusal(first: DeliveryAttempt, second: DeliveryAttempt) -> bool:
    is_same = (first.provider, first.status_code) == (second.provider, second.status_code)
    return second.outcome == Outcome.REFUSED and is_same


def own_detail(attempt: DeliveryAttempt, email: OutboundEmail) -> str:
    """Return the provider's explanation, without the addresses of other messages in the same call."""
    if not attempt.detail or attempt.carried_messages == 1:
        return attempt.detail
    return without_addresses(attempt.detail, keep=email.recipients.lower().split())
