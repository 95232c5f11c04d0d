"""Moves messages to the statuses that their events prove.

A status only moves forward, so the order of events doesn't matter.
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
# A status only moves to a higher rank, so the row shows the worst one among several recipients. Rank 0 (not in this
# table): the provider isn't known to have accepted the message.
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
    """Move each message to the highest status that its events prove. The messages are locked."""
    proven = []
    for candidates in grouped(pairs):
        event, email = max(candidates, key=lambda pair: RANKS[status_after(pair[0])])
        if RANKS[status_after(event)] <= rank(email):
            continue
        if rank(email) == 0:  # until this event, nothing proved that it was sent
            proven.append(email.pk)
        OutboundEmail.objects.filter(pk=email.pk).update(**changes(event, email))
        logger.info("Message %s: %s reports %s.", email.pk, event.provider, status_after(event))
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
    """Return the fields to update. The first event of a message also settles it, if its attempt hasn't done so."""
    status = status_after(event)
    fields = {
        "status": status,
        "reason": Reason.REFUSED if status == Status.FAILED else "",
        "detail": "" if status in (Status.SENT, Status.DELIVERED) else event.detail,
    }
    return fields if rank(email) > 0 else fields | settling_changes(event, email)


def settling_changes(event: AnyEvent, email: OutboundEmail) -> dict[str, Any]:
    """Return the fields that end the delivery of a message: it is not due anymore, and no worker holds it."""
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
    """Cancel pending retries at providers without idempotency keys, once an event proves that the message was accepted.

    A retry there would be a second email. An attempt that a worker holds is left to the worker.
    """
    attempts = DeliveryAttempt.objects.filter(
        provider__in=WITHOUT_IDEMPOTENCY_KEYS, outcome=DeliveryAttempt.Outcome.UNKNOWN
    )
    attempts.filter(emails__in=emails, lease_token=None).update(
        outcome=DeliveryAttempt.Outcome.ACCEPTED, settled_at=Now(), due_at=None, body=None
    )
