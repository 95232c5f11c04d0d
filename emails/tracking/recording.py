"""Stores delivery events and applies them to the row's status and the suppression list.

Providers deliver events twice and out of order. A repeated event changes nothing, and a status only moves forward.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from common.db import database_now, insert_if_absent
from emails.backends import PROVIDERS
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Reason, Status
from emails.signals import delivery_event
from emails.tracking import bounces
from emails.tracking.event import ReportedEvent

logger = logging.getLogger(__name__)

Type = DeliveryEvent.Type

LINK_WITHIN = timedelta(days=1)

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


class Match(NamedTuple):
    """An event and its message, or None if the message didn't go through the outbox or isn't known yet."""

    event: ReportedEvent
    email: OutboundEmail | None


class Emails(NamedTuple):
    """The messages that some events are about."""

    by_id: Mapping[UUID, OutboundEmail]
    by_provider_id: Mapping[tuple[str, str], OutboundEmail]

    def match(self, event: ReportedEvent) -> Match:
        """Look the message up by our ID first: the event may arrive before the provider's ID is stored."""
        email = self.by_id.get(event.message_id) if event.message_id else None
        return Match(event, email or self.find_by_provider_id(event))

    def find_by_provider_id(self, event: ReportedEvent) -> OutboundEmail | None:
        keys = ((event.provider, prefix) for prefix in prefixes(event.provider_message_id))
        return next((self.by_provider_id[key] for key in keys if key in self.by_provider_id), None)


@transaction.atomic
def record(events: Sequence[ReportedEvent]) -> int:
    """Store the events that are new and apply them. Return how many were new. Safe to repeat."""
    emails = lock_emails(events)
    new = store_new([emails.match(event) for event in events])
    apply(new.values())
    for event, email in sorted(
        new.values(), key=lambda match: match.event.recipient
    ):  # against deadlocks, as in store_new
        if bounces.is_certain(event, email):
            bounces.suppress_after(event)
    if delivery_event.receivers:
        transaction.on_commit(partial(announce, {pk: match.email for pk, match in new.items()}), robust=True)
    return len(new)


def lock_emails(events: Sequence[ReportedEvent]) -> Emails:
    """Return the messages that the events are about.

    All rows are locked at once and in the order of their keys. Otherwise, two requests with events of the same messages
    could each wait for a row that the other one has locked.
    """
    keys = {event.message_id for event in events if event.message_id}
    provider_ids = {
        prefix for event in events if not event.message_id for prefix in prefixes(event.provider_message_id)
    }
    if provider_ids:
        keys |= set(OutboundEmail.objects.filter(provider_message_id__in=provider_ids).values_list("pk", flat=True))
    if not keys:
        return Emails({}, {})
    rows = OutboundEmail.objects.filter(pk__in=keys).order_by("pk").select_for_update()
    emails = list(rows.defer("content", "metadata", "subject"))
    return Emails(
        by_id={email.pk: email for email in emails},
        by_provider_id={(email.provider, email.provider_message_id): email for email in emails},
    )


def prefixes(message_id: str) -> Iterator[str]:
    """Return the ID, and what precedes each of its dots, longest first.

    SendGrid's events append a suffix to the ID that its API returned, and that ID may contain dots.
    """
    while message_id:
        yield message_id
        message_id = message_id.rpartition(".")[0]


def store_new(matches: Iterable[Match]) -> dict[UUID, Match]:
    """Store the events. Return those that weren't stored before, by their primary keys, in the order they happened.

    Rows are inserted in the order of their fingerprints: on PostgreSQL, two requests that insert the same events in
    different orders would each wait for the other.
    """
    rows = {}
    for match in sorted(matches, key=lambda match: match.event.fingerprint):
        key = (match.event.provider, match.event.fingerprint)
        if key not in rows:
            rows[key] = (to_row(match), match)
    inserted = insert_if_absent([row for row, _ in rows.values()])
    new = [(row.pk, match) for row, match in rows.values() if row.pk in inserted]
    return dict(sorted(new, key=lambda pair: pair[1].event.occurred_at))


def to_row(match: Match) -> DeliveryEvent:
    """Return an unsaved row. Its recipient stays empty if the event might be about another one."""
    event, email = match
    return DeliveryEvent(
        provider=event.provider,
        fingerprint=event.fingerprint,
        email_id=email.pk if email else None,
        provider_message_id=event.provider_message_id,
        recipient=event.recipient if bounces.is_certain(event, email) else "",
        type=event.type,
        severity=event.severity,
        detail=event.detail,
        occurred_at=event.occurred_at,
        raw=event.raw,
    )


def apply(pairs: Iterable[tuple[AnyEvent, OutboundEmail | None]]) -> None:
    """Move each message to the highest status that its events prove. The messages are locked."""
    by_email: defaultdict[UUID, list[tuple[AnyEvent, OutboundEmail]]] = defaultdict(list)
    for event, email in pairs:
        if email is not None:
            by_email[email.pk].append((event, email))
    proven = []
    for candidates in by_email.values():
        event, email = max(candidates, key=lambda pair: RANKS[status_after(pair[0])])
        if RANKS[status_after(event)] <= rank(email):
            continue
        if rank(email) == 0:
            proven.append(email.pk)
        OutboundEmail.objects.filter(pk=email.pk).update(**changes(event, email))
        logger.info("Message %s: %s reports %s.", email.pk, event.provider, status_after(event))
    if proven:
        cancel_retries(proven)


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
    if rank(email) > 0:
        return fields
    return fields | {
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


@transaction.atomic
def link(provider: str, message_ids: Mapping[UUID, str]) -> None:
    """Link events that arrived before the provider's ID of their message was stored, and apply them.

    ``message_ids`` maps our IDs to the provider's.
    """
    by_provider_id = {message_id: pk for pk, message_id in message_ids.items() if message_id}
    unlinked = DeliveryEvent.objects.filter(provider=provider, email=None, provider_message_id__in=by_provider_id)
    events = list(unlinked.defer("raw").order_by("occurred_at"))
    if not events:
        return
    keys = {by_provider_id[event.provider_message_id] for event in events}
    emails = {email.pk: email for email in OutboundEmail.objects.filter(pk__in=keys).select_for_update()}
    for event in events:
        event.email = emails.get(by_provider_id[event.provider_message_id])
        event.save(update_fields=["email"])
    apply([(event, event.email) for event in events])


def link_unlinked() -> None:
    """Link events that were stored while another transaction stored the ID of their message: neither saw the other."""
    since = database_now() - LINK_WITHIN
    unlinked = DeliveryEvent.objects.filter(email=None, received_at__gte=since).exclude(provider_message_id="")
    ids = set(unlinked.values_list("provider", "provider_message_id"))
    rows = OutboundEmail.objects.filter(provider_message_id__in=[message_id for _, message_id in ids])
    for email in rows.only("provider", "provider_message_id"):
        if (email.provider, email.provider_message_id) in ids:
            link(email.provider, {email.pk: email.provider_message_id})


def announce(emails: Mapping[UUID, OutboundEmail | None]) -> None:
    """Send the signal for each event, given by its primary key, with the rows as they are after the commit."""
    for pk, email in emails.items():
        if email is not None:
            email.refresh_from_db()
        event = DeliveryEvent.objects.filter(pk=pk).first()
        if event is not None:
            delivery_event.send_robust(sender=DeliveryEvent, event=event, email=email)
