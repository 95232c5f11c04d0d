"""Moves messages to the statuses that their events prove.

Providers deliver events in any order, so a "delivered" may follow the "bounced" that happened later. Each status has a
rank, and a message only moves to a higher rank. The result is then the same for every order of events.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from emails.backends import PROVIDERS
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Reason, Status
from emails.tracking.event import ReportedEvent

logger = logging.getLogger(__name__)

Type = DeliveryEvent.Type

# The status that an event proves. All other types prove only that the provider accepted the message.
STATUSES = {
    Type.DELIVERED: Status.DELIVERED,
    Type.OPENED: Status.DELIVERED,
    Type.CLICKED: Status.DELIVERED,
    Type.REJECTED: Status.FAILED,
    Type.SUPPRESSED: Status.SUPPRESSED,
    Type.BOUNCED: Status.BOUNCED,
    Type.COMPLAINED: Status.COMPLAINED,
}
# Worse outcomes have higher ranks, so a message with several recipients shows the worst one. All other statuses have
# rank 0: the provider isn't known to have accepted the message.
RANKS = {
    Status.SENT: 1,
    Status.DELIVERED: 2,
    Status.FAILED: 3,
    Status.SUPPRESSED: 3,
    Status.BOUNCED: 4,
    Status.COMPLAINED: 5,
}
WITHOUT_IDEMPOTENCY_KEYS = [name for name, backend in PROVIDERS.items() if backend.key_lifetime is None]

AnyEvent = ReportedEvent | DeliveryEvent


def apply(pairs: Iterable[tuple[AnyEvent, OutboundEmail | None]]) -> None:
    """Move each message to the highest status that its events prove. The caller has locked the messages."""
    proven = []
    for candidates in grouped(pairs):
        event, email = max(candidates, key=lambda pair: RANKS[status_after(pair[0])])
        if RANKS[status_after(event)] <= rank(email):
            continue
        if rank(email) == 0:  # until this event, nothing proved that it was sent
            proven.append(email.pk)
        OutboundEmail.objects.filter(pk=email.pk).update(**changes(event, email))
        extra = {"email": email}
        logger.info("Message %s: %s reports %s.", email.pk, event.provider, status_after(event), extra=extra)
    if proven:
        cancel_retries(proven)


def grouped(
    pairs: Iterable[tuple[AnyEvent, OutboundEmail | None]],
) -> Iterable[list[tuple[AnyEvent, OutboundEmail]]]:
    """Return the pairs of each message as a list. Events without a message are left out."""
    by_email: defaultdict[UUID, list[tuple[AnyEvent, OutboundEmail]]] = defaultdict(list)
    for event, email in pairs:
        if email is not None:
            by_email[email.pk].append((event, email))
    return by_email.values()


def status_after(event: AnyEvent) -> Status:
    return STATUSES.get(Type(event.type), Status.SENT)


def rank(email: OutboundEmail) -> int:
    return 0 if email.sent_at is None else RANKS.get(Status(email.status), 0)


def changes(event: AnyEvent, email: OutboundEmail) -> dict[str, Any]:
    """Return the columns to update."""
    status = status_after(event)
    fields = {
        "status": status,
        "reason": Reason.REFUSED if status == Status.FAILED else "",
        "detail": "" if status in (Status.SENT, Status.DELIVERED) else event.detail,
    }
    return fields if rank(email) > 0 else fields | settling_changes(event, email)


def settling_changes(event: AnyEvent, email: OutboundEmail) -> dict[str, Any]:
    """Return the columns that end delivery, because an event arrived before the response to the call was recorded."""
    return {
        "sent_at": Now(),
        "settled_at": Now(),
        "due_at": None,
        "lease_token": None,
        "provider": email.provider or event.provider,
        "provider_message_id": email.provider_message_id or event.provider_message_id,
        **email.changes_when_settled(),
    }


def cancel_retries(emails: Sequence[UUID]) -> None:
    """Cancel repeats of calls whose messages were accepted, as events have proven."""
    # With an idempotency key, a repeat is harmless and returns the message IDs, so it isn't canceled. An attempt that a
    # worker holds right now is left to the worker.
    attempts = DeliveryAttempt.objects.filter(
        provider__in=WITHOUT_IDEMPOTENCY_KEYS, outcome=DeliveryAttempt.Outcome.UNKNOWN
    )
    attempts.filter(emails__in=emails, lease_token=None).update(
        outcome=DeliveryAttempt.Outcome.ACCEPTED, settled_at=Now(), due_at=None, body=None
    )
