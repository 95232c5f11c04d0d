"""Stores delivery events and applies them to the row's status and the suppression list.

Providers deliver events twice and out of order. A repeated event changes nothing, and a status only moves forward.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from common.db import insert_if_absent
from emails.models import DeliveryEvent, OutboundEmail
from emails.signals import delivery_event
from emails.tracking import bounces, opt_outs, statuses
from emails.tracking.event import ReportedEvent


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
    """Store the events, apply those that are new, and return how many were new. Safe to repeat."""
    emails = lock_emails(events)
    new = store_new([emails.match(event) for event in events])
    statuses.apply(new.values())
    # Suppressing locks a row. All requests do it in the same order, or two of them could wait for each other.
    for event, email in sorted(new.values(), key=lambda match: match.event.recipient):
        if bounces.is_certain(event, email):
            bounces.suppress_after(event, email)
            opt_outs.opt_out_after(event)
    # Without receivers, announcing would cost two queries per event for nothing.
    if delivery_event.receivers:
        transaction.on_commit(partial(announce, {pk: match.email for pk, match in new.items()}), robust=True)
    return len(new)


def lock_emails(events: Sequence[ReportedEvent]) -> Emails:
    """Lock and return the messages that the events are about."""
    keys = message_keys(events)
    if not keys:
        return Emails({}, {})
    # All rows are locked in one query and in the order of their keys. Otherwise, two requests with events of the same
    # messages could each wait for a row that the other one has locked.
    rows = OutboundEmail.objects.filter(pk__in=keys).order_by("pk").select_for_update()
    # These columns are large and not needed here.
    emails = list(rows.defer("content", "subject"))
    return Emails(
        by_id={email.pk: email for email in emails},
        by_provider_id={(email.provider, email.provider_message_id): email for email in emails},
    )


def message_keys(events: Sequence[ReportedEvent]) -> set[UUID]:
    """Return our IDs of the messages. A query finds those that the provider identifies only by its own ID."""
    keys = {event.message_id for event in events if event.message_id}
    provider_ids = {
        prefix for event in events if not event.message_id for prefix in prefixes(event.provider_message_id)
    }
    if provider_ids:
        keys |= set(OutboundEmail.objects.filter(provider_message_id__in=provider_ids).values_list("pk", flat=True))
    return keys


def prefixes(message_id: str) -> Iterator[str]:
    """Yield the ID and then each shorter ID that results from cutting it at a dot."""
    # SendGrid's API returns an ID, and its events append a dot and a suffix to it. The ID may contain dots itself, so
    # every dot could be the one before the suffix.
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
        if key not in rows:  # one request may contain the same event twice
            rows[key] = (to_row(match), match)
    inserted = insert_if_absent([row for row, _ in rows.values()])
    new = [(row.pk, match) for row, match in rows.values() if row.pk in inserted]
    return dict(sorted(new, key=lambda pair: pair[1].event.occurred_at))


def to_row(match: Match) -> DeliveryEvent:
    """Return an unsaved row. Its recipient is empty if the event might be about another recipient.

    An event that is late for a message that was erased is stored without personal data.
    """
    event, email = match
    # A message with our ID was stored before it was sent, so if it isn't there, it has been deleted.
    is_erased = email.is_erased if email else event.message_id is not None
    return DeliveryEvent(
        provider=event.provider,
        fingerprint=event.fingerprint,
        email_id=email.pk if email else None,
        provider_message_id=event.provider_message_id,
        recipient=event.recipient if bounces.is_certain(event, email) and not is_erased else "",
        type=event.type,
        severity=event.severity,
        cause=event.cause,
        is_recipient_from_list=event.is_recipient_from_list,
        detail="" if is_erased else event.detail,
        occurred_at=event.occurred_at,
        raw=None if is_erased else event.raw,
    )


def announce(emails: Mapping[UUID, OutboundEmail | None]) -> None:
    """Send the signal for each event, given by its primary key, with the rows as they are after the commit."""
    for pk, email in emails.items():
        if email is not None:
            email.refresh_from_db()
        event = DeliveryEvent.objects.filter(pk=pk).first()
        if event is not None:
            delivery_event.send_robust(sender=DeliveryEvent, event=event, email=email)
