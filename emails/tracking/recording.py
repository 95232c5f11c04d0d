"""What an event changes: the row's status, the suppression list, and whoever listens to the signal.

Events come twice and out of order: one counts by what it says, once; a row moves forward only.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from common.db import database_now, insert_if_absent
from emails.backends import PROVIDERS
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Reason, Status
from emails.signals import delivery_event
from emails.tracking import bounces
from emails.tracking.event import Event

logger = logging.getLogger(__name__)

Type = DeliveryEvent.Type

STRAY_FOR = timedelta(days=1)

# What an event says of the message. Every event proves at least that the provider took it.
STATUSES = {
    Type.DELIVERED: Status.DELIVERED,
    Type.OPENED: Status.DELIVERED,
    Type.CLICKED: Status.DELIVERED,
    Type.REJECTED: Status.FAILED,
    Type.SUPPRESSED: Status.SUPPRESSED,
    Type.BOUNCED: Status.BOUNCED,
    Type.COMPLAINED: Status.COMPLAINED,
}
# Forward only, and of several recipients the worst shows. 0: it is not known yet that the provider took it.
RANKS = {
    Status.SENT: 1,
    Status.DELIVERED: 2,
    Status.FAILED: 3,
    Status.SUPPRESSED: 3,
    Status.BOUNCED: 4,
    Status.COMPLAINED: 5,
}
KEYLESS = [name for name, backend in PROVIDERS.items() if backend.key_lifetime is None]

Told = Event | DeliveryEvent
Linked = tuple[Event, OutboundEmail | None]


@transaction.atomic
def record(events: Sequence[Event]) -> int:
    """Store the events that are new and let them take effect; returns how many were new. May be repeated at will."""
    emails = emails_of(events)
    linked = [(event, emails.get(event.message_id) or by_provider_id(event, emails)) for event in events]
    new = store_new(linked)
    move(new)
    for event, email in sorted(new, key=lambda pair: pair[0].recipient):  # one order for all who write to the list
        if bounces.is_certain(event, email):
            bounces.suppress_after(event)
    if delivery_event.receivers:
        transaction.on_commit(partial(announce, [(event.fingerprint, email) for event, email in new]), robust=True)
    return len(new)


def emails_of(events: Sequence[Event]) -> Mapping[Any, OutboundEmail]:
    """The messages that the events are about, by our id and by (provider, its id); locked all at once, in one order,
    since webhooks about the same messages come in parallel."""
    keys = {event.message_id for event in events if event.message_id}
    theirs = {prefix for event in events if not event.message_id for prefix in prefixes(event.provider_message_id)}
    if theirs:
        keys |= set(OutboundEmail.objects.filter(provider_message_id__in=theirs).values_list("pk", flat=True))
    if not keys:
        return {}
    rows = OutboundEmail.objects.filter(pk__in=keys).order_by("pk").select_for_update()
    emails = list(rows.defer("content", "metadata", "subject"))
    by_ours: dict[Any, OutboundEmail] = {email.pk: email for email in emails}
    return by_ours | {(email.provider, email.provider_message_id): email for email in emails}


def by_provider_id(event: Event, emails: Mapping[Any, OutboundEmail]) -> OutboundEmail | None:
    keys = ((event.provider, prefix) for prefix in prefixes(event.provider_message_id))
    return next((emails[key] for key in keys if key in emails), None)


def prefixes(message_id: str) -> Iterator[str]:
    """The id, and what stands before each of its dots: SendGrid appends to the id that it gave, which may have dots."""
    while message_id:
        yield message_id
        message_id = message_id.rpartition(".")[0]


def store_new(linked: Iterable[Linked]) -> list[Linked]:
    """Store the events; returns those that were not stored before, by anybody, in the order in which they happened."""
    rows = {}
    for event, email in sorted(linked, key=lambda pair: pair[0].fingerprint):  # one order for all who insert
        key = (event.provider, event.fingerprint)
        if key not in rows:
            rows[key] = (stored_form(event, email), event, email)
    inserted = insert_if_absent([row for row, _, _ in rows.values()])
    new = [(event, email) for row, event, email in rows.values() if row.pk in inserted]
    return sorted(new, key=lambda pair: pair[0].occurred_at)


def stored_form(event: Event, email: OutboundEmail | None) -> DeliveryEvent:
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


def move(linked: Iterable[tuple[Told, OutboundEmail | None]]) -> None:
    """Let each message become what its events say. The messages are locked."""
    told: defaultdict[UUID, list[tuple[Told, OutboundEmail]]] = defaultdict(list)
    for one, its_email in linked:
        if its_email is not None:
            told[its_email.pk].append((one, its_email))
    proven = []
    for pairs in told.values():
        event, email = max(pairs, key=lambda pair: RANKS[status_after(pair[0])])
        if RANKS[status_after(event)] <= rank(email):
            continue
        if rank(email) == 0:
            proven.append(email.pk)
        OutboundEmail.objects.filter(pk=email.pk).update(**changes(event, email))
        logger.info("Message %s is %s, says %s.", email.pk, status_after(event), event.provider)
    if proven:
        close_unknown_attempts(proven)


def status_after(event: Told) -> Status:
    return STATUSES.get(Type(event.type), Status.SENT)


def rank(email: OutboundEmail) -> int:
    return 0 if email.sent_at is None else RANKS.get(Status(email.status), 0)


def changes(event: Told, email: OutboundEmail) -> dict[str, Any]:
    status = status_after(event)
    said = {
        "status": status,
        "reason": Reason.REFUSED if status == Status.FAILED else "",
        "detail": "" if status in (Status.SENT, Status.DELIVERED) else event.detail,
    }
    if rank(email) > 0:
        return said
    return said | {
        "sent_at": Now(),
        "settled_at": Now(),
        "due_at": None,
        "lease_token": None,
        "provider": email.provider or event.provider,
        "provider_message_id": email.provider_message_id or event.provider_message_id,
        **email.blanked_content,
    }


def close_unknown_attempts(emails: Sequence[UUID]) -> None:
    """Where a repeat would be a second mail, there is none once an event proves that the first arrived."""
    waiting = DeliveryAttempt.objects.filter(provider__in=KEYLESS, outcome=DeliveryAttempt.Outcome.UNKNOWN)
    waiting.filter(emails__in=emails, lease_token=None).update(
        outcome=DeliveryAttempt.Outcome.ACCEPTED, settled_at=Now(), due_at=None, body=None
    )


@transaction.atomic
def link(provider: str, message_ids: Mapping[UUID, str]) -> None:
    """Give events that came before their message's id was known (by our key) to their message."""
    by_id = {message_id: pk for pk, message_id in message_ids.items() if message_id}
    waiting = DeliveryEvent.objects.filter(provider=provider, email=None, provider_message_id__in=by_id)
    strays = list(waiting.defer("raw").order_by("occurred_at"))
    if not strays:
        return
    wanted = {by_id[event.provider_message_id] for event in strays}
    emails = {email.pk: email for email in OutboundEmail.objects.filter(pk__in=wanted).select_for_update()}
    for event in strays:
        event.email = emails.get(by_id[event.provider_message_id])
        event.save(update_fields=["email"])
    move([(event, event.email) for event in strays])


def link_strays() -> None:
    """Link what fell between two transactions: an event that was being stored while its message was being settled."""
    since = database_now() - STRAY_FOR
    strays = DeliveryEvent.objects.filter(email=None, received_at__gte=since).exclude(provider_message_id="")
    ids = set(strays.values_list("provider", "provider_message_id"))
    rows = OutboundEmail.objects.filter(provider_message_id__in=[message_id for _, message_id in ids])
    for email in rows.only("provider", "provider_message_id"):
        if (email.provider, email.provider_message_id) in ids:
            link(email.provider, {email.pk: email.provider_message_id})


def announce(pairs: Iterable[tuple[str, OutboundEmail | None]]) -> None:
    """Tell the rest of the project, with the rows as they are now."""
    for fingerprint, email in pairs:
        if email is not None:
            email.refresh_from_db()
        event = DeliveryEvent.objects.filter(fingerprint=fingerprint).first()
        if event is not None:
            delivery_event.send_robust(sender=DeliveryEvent, event=event, email=email)
