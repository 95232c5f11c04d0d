"""The two kinds of rows that delivery sends, emails and contact changes, and everything in which they differ."""

import logging
import sys
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from common.db import ValueByKey
from emails.backends import configured_provider, contacts_provider, get_backend, get_contacts
from emails.backends.base import Acceptance, DeliveryBackend, ProviderClient, Request
from emails.backends.contacts import ContactsClient
from emails.backends.contacts.client import MISSING, NO_ACCESS, is_unsubscribed, log_no_access, merged
from emails.delivery.due import Due, due_changes, due_emails
from emails.delivery.preparation import Part, Prepared, batch, change_of, prepare_change, prepare_email
from emails.delivery.transitions import end_lease, lease, update_row
from emails.models import AttemptedEmail, ContactChange, DeliveryAttempt, OutboundEmail, Priority, Status
from emails.models.work import WorkQuerySet
from emails.tracking import linking
from emails.tracking.opt_outs import opt_out, opted_out_among
from emails.tracking.suppressions import suppressions_of

logger = logging.getLogger(__name__)

MAX_ROWS = 500  # per claim: the first calls begin while the next ones are built

MAX_ID_LENGTH = 255


class OpenAttempt(NamedTuple):
    """An attempt and the rows that it carries, in the order of the call."""

    attempt: DeliveryAttempt
    rows: Sequence[Any]


class Accepted(NamedTuple):
    """A row of an accepted call, with its result: the ID that the provider gave it, or what the call found."""

    row: Any
    result: Any
    attempt_id: UUID


@dataclass(frozen=True)
class Queue(ABC):
    """The rows of one kind that wait for one provider."""

    provider: str
    client: ProviderClient = field(compare=False)
    # The first provider, if this one stands in for it (failover.py).
    fallback_for: str = field(default="", compare=False)

    @abstractmethod
    def rows(self) -> WorkQuerySet[Any]:
        """Return a query for the rows; those that are due may be claimed."""

    @abstractmethod
    def claim(self, priority: Priority, limit: int, now: datetime, *, isolated: bool) -> Sequence[Any]:
        """Lease up to ``limit`` due rows of this priority to the caller, and return them."""

    @abstractmethod
    def priority_of(self, rows: Sequence[Any]) -> Priority:
        """Return the priority of a call that carries these rows."""

    @abstractmethod
    def due(self) -> Due:
        """Return the priorities of the rows that are due."""

    @abstractmethod
    def max_rows(self, calls: int) -> int:
        """Return how many rows to claim for this number of calls."""

    @abstractmethod
    def prepare(self, rows: Sequence[Any], now: datetime, max_calls: int) -> Prepared:
        """Serialize claimed rows and group them into calls. Changes nothing in the database."""

    @abstractmethod
    def request(self, parts: Sequence[Part]) -> Request:
        """Return the call that carries these parts."""

    @abstractmethod
    def store(self, attempts: Sequence[OpenAttempt]) -> None:
        """Insert the attempts, which from then on hold their rows. Raises ``LeaseLost``."""

    def results(self, acceptance: Acceptance) -> Sequence[Any]:
        """Return what the call resulted in for each row: the ID that the provider gave it, or an empty string."""
        return acceptance.message_ids

    @abstractmethod
    def mark_accepted(self, accepted: Sequence[Accepted]) -> None:
        """Mark rows as sent."""


@dataclass(frozen=True)
class EmailQueue(Queue):
    """Emails. One call can carry several."""

    client: DeliveryBackend = field(compare=False)

    def rows(self) -> WorkQuerySet[OutboundEmail]:
        rows = OutboundEmail.objects.all()
        return rows.exclude(unsupported_by=self.provider) if self.fallback_for else rows

    def claim(self, priority: Priority, limit: int, now: datetime, *, isolated: bool) -> Sequence[OutboundEmail]:
        only = {"priority": priority, "isolated": isolated}
        return self.rows().claim(limit=limit, now=now, lease=lease(), only=only, status=Status.SENDING)

    def priority_of(self, rows: Sequence[OutboundEmail]) -> Priority:
        return Priority(min(row.priority for row in rows))

    def due(self) -> Due:
        return due_emails(fallback=self.provider if self.fallback_for else "")

    def max_rows(self, calls: int) -> int:
        return min(calls * self.client.batch_limit, MAX_ROWS)

    def prepare(self, rows: Sequence[OutboundEmail], now: datetime, max_calls: int) -> Prepared:
        suppressed = suppressions_of(address for row in rows for address in row.recipients.split())
        results = (
            (row, prepare_email(row, self.client, suppressed.for_kind(row.kind), now, fallback_for=self.fallback_for))
            for row in rows
        )
        return batch(results, max_bytes=self.client.max_bytes, max_calls=max_calls)

    def request(self, parts: Sequence[Part]) -> Request:
        return self.client.request([part.body for part in parts])

    def store(self, attempts: Sequence[OpenAttempt]) -> None:
        if not attempts:
            return
        # Before the inserts: if a lease is lost, nothing must be stored.
        end_lease([email for _, emails in attempts for email in emails], provider=self.provider)
        DeliveryAttempt.objects.bulk_create([attempt for attempt, _ in attempts])
        AttemptedEmail.objects.bulk_create(
            AttemptedEmail(attempt_id=attempt.pk, email_id=email.pk, position=position)
            for attempt, emails in attempts
            for position, email in enumerate(emails)
        )

    def mark_accepted(self, accepted: Sequence[Accepted]) -> None:
        message_ids: defaultdict[bool, dict[UUID, str]] = defaultdict(dict)  # by whether the body is blanked
        for email, message_id, attempt_id in accepted:
            message_ids[bool(email.changes_when_settled())][email.pk] = message_id[:MAX_ID_LENGTH]
            extra = {"email": email, "outcome": f"sent ({self.provider})", "attempt_id": str(attempt_id)}
            accepted_as = message_id or "(no id)"
            logger.info("Message %s was accepted by %s as %s.", email.pk, self.provider, accepted_as, extra=extra)
        for is_body_deleted, ids in message_ids.items():
            self._mark_sent(ids, **({"content": None} if is_body_deleted else {}))

    def _mark_sent(self, message_ids: Mapping[UUID, str], **changes: Any) -> None:
        rows = OutboundEmail.objects.filter(pk__in=message_ids)
        changes["provider_message_id"] = ValueByKey(message_ids)
        if self.client.poll_after is not None:
            changes["lookup_at"] = Now() + self.client.poll_after
        sent = rows.filter(status=Status.SENDING).update(
            status=Status.SENT, reason="", detail="", sent_at=Now(), settled_at=Now(), **changes
        )
        if sent < len(message_ids):  # an event came first: it keeps its status, and only the ID is still missing
            rows.filter(provider_message_id="", sent_at__isnull=False).update(**changes)
        if not self.client.echoes_message_id:
            linking.link_early_events(self.provider, message_ids)


@dataclass(frozen=True)
class ContactQueue(Queue):
    """Contact changes, one per call. A change can take several calls, one after the other."""

    client: ContactsClient = field(compare=False)

    def rows(self) -> WorkQuerySet[ContactChange]:
        return ContactChange.objects.next_of_each_contact()

    def claim(self, priority: Priority, limit: int, now: datetime, *, isolated: bool) -> Sequence[ContactChange]:
        only = {"isolated": isolated}
        return self.rows().claim(limit=limit, now=now, lease=lease(), only=only, status=Status.SENDING)

    def priority_of(self, rows: Sequence[ContactChange]) -> Priority:
        return Priority.NORMAL

    def due(self) -> Due:
        return due_changes()

    def max_rows(self, calls: int) -> int:
        return min(calls, MAX_ROWS)

    def prepare(self, rows: Sequence[ContactChange], now: datetime, max_calls: int) -> Prepared:
        opted_out = opted_out_among(row.address for row in rows)
        results = ((row, prepare_change(row, self.client, is_opted_out=row.address in opted_out)) for row in rows)
        return batch(results, max_bytes=sys.maxsize, max_calls=max_calls)

    def request(self, parts: Sequence[Part]) -> Request:
        [part] = parts
        return Request(part.endpoint, part.body)

    def store(self, attempts: Sequence[OpenAttempt]) -> None:
        for attempt, changes in attempts:
            end_lease(changes, provider=self.provider)
            [attempt.contact_change] = changes
            attempt.save(force_insert=True)

    def results(self, acceptance: Acceptance) -> Sequence[Any]:
        return [acceptance.findings]

    def mark_accepted(self, accepted: Sequence[Accepted]) -> None:
        """Settle the changes that need no further call, and make the others due again."""
        for change, findings, attempt_id in accepted:
            extra = {"email": change, "attempt_id": str(attempt_id)}
            logger.info("A call of contact change %s was accepted by %s.", change.pk, self.provider, extra=extra)
            change.progress = merged(change.progress, findings)
            if any(map(is_unsubscribed, findings.values())):  # at the provider, without an event that reached us
                opt_out(change.address, f"Found at {self.provider}.")
        opted_out = opted_out_among(change.address for change, _, _ in accepted)
        for change, findings, _ in accepted:
            if NO_ACCESS in findings.values():
                log_no_access(self.client.provider)
                self.settle(change, status=Status.CANCELLED, detail="The API key may not change contacts.")
            elif MISSING in findings.values() and self.may_be_found_later(change):
                update_row(change, status=Status.QUEUED, due_at=Now() + self.client.indexing_time)
            elif self.client.next_request(change_of(change, is_opted_out=change.address in opted_out)):
                update_row(change, status=Status.QUEUED, due_at=Now(), progress=change.progress)
            else:
                self.settle(change, status=Status.SENT, sent_at=Now())

    def may_be_found_later(self, change: ContactChange) -> bool:
        """Return whether the contact was written so recently that a search doesn't find it yet."""
        if not self.client.indexing_time:
            return False
        recent = ContactChange.objects.filter(settled_at__gt=Now() - self.client.indexing_time, status=Status.SENT)
        return recent.filter(address=change.former_address or change.address).exists()

    def settle(self, change: ContactChange, **outcome: Any) -> None:
        if change.action == ContactChange.Action.FORGET:
            # Nothing about a forgotten contact may stay here, so its earlier changes go as well.
            of_contact = Q(address=change.address) | Q(former_address=change.address)
            ContactChange.objects.filter(of_contact, pk__lt=change.pk).delete()
            # The address is also part of the URL.
            DeliveryAttempt.objects.filter(contact_change=change).update(endpoint="", detail="")
            update_row(change, address="", content=None, metadata={})
        fields = {"reason": "", "detail": "", "settled_at": Now(), **change.changes_when_settled()}
        update_row(change, **fields | outcome)


def queues_for(provider: str, carriers: Sequence[str]) -> list[Queue]:
    """Return what is sent through the provider today; emails come first.

    ``carriers`` are the providers of new emails (failover.py). Raises ImproperlyConfigured with the setting that is
    missing.
    """
    queues: list[Queue] = []
    if provider in carriers:
        first = configured_provider()
        queues.append(EmailQueue(provider, get_backend(provider), fallback_for="" if provider == first else first))
    if provider == contacts_provider():
        queues.append(ContactQueue(provider, get_contacts(provider)))
    return queues


def queue_of(attempt: DeliveryAttempt) -> Queue:
    """Return the queue from which the attempt came, even if another provider is configured now."""
    if attempt.contact_change_id:
        return ContactQueue(attempt.provider, get_contacts(attempt.provider))
    return EmailQueue(attempt.provider, get_backend(attempt.provider))
