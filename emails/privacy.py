"""Finds, exports, and erases the emails of one person, who is named by ``metadata["user_id"]``."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from common.db import index_walks
from emails import contacts
from emails.backends import contacts_provider
from emails.models import (
    AttemptedEmail,
    ContactChange,
    DeliveryAttempt,
    DeliveryEvent,
    OutboundEmail,
    Status,
    Suppression,
)
from emails.signals import emails_deleting
from emails.support.history import history

ERASED_AT_ONCE = 500  # per transaction


def emails_of(user_id: str) -> QuerySet[OutboundEmail]:
    """Return the person's emails, newest first, without their bodies."""
    return OutboundEmail.objects.filter(person=user_id).order_by("-created_at").without_bodies()


def export(user_id: str) -> list[dict[str, Any]]:
    """Return every email and its history as JSON types and datetimes. Texts with live links are left out."""
    # defer(None) loads the bodies after all.
    emails = emails_of(user_id).defer(None).prefetch_related("attempts", "events")
    return [exported(email) for email in emails]


def exported(email: OutboundEmail) -> dict[str, Any]:
    """Return one email and its history as JSON types and datetimes."""
    # A copy of the export must not open the account.
    is_readable = not (email.is_body_deleted or email.sensitive)
    return {
        "created_at": email.created_at,
        "kind": email.kind,
        "to": email.recipients.split(),
        "subject": email.subject,
        "text": email.message.text if is_readable else None,
        "status": email.status,
        "events": [{"event": entry.event, "at": entry.at, "detail": entry.detail} for entry in history(email)],
    }


def erase(user_id: str, *, addresses: Collection[str], last_kind: str | None = None) -> None:
    """Erase a person in the caller's transaction: emails, their events, and the contacts at ``addresses``.

    Queued emails are cancelled, unless their kind is ``last_kind``. These, and emails that are being sent right now,
    are erased later by ``erase_settled``. A row with an idempotency key is emptied instead of deleted, so that the key
    stays taken. A suppression also stays, without the provider's text, so that the address gets no more email.
    """
    emails = OutboundEmail.objects.filter(person=user_id)
    waiting = emails.filter(status=Status.QUEUED, lease_token=None)
    waiting.exclude(kind=last_kind).update(status=Status.CANCELLED, reason="", detail="", due_at=None, settled_at=Now())
    # Workers may hold some of these rows. They settle them first, and erase_settled() erases them after the drain.
    emails.update(to_be_erased=True)
    erase_settled()
    for address in addresses:
        forget_address(address.lower())


def forget_address(address: str) -> None:
    DeliveryEvent.objects.filter(email=None, recipient=address).delete()
    Suppression.objects.filter(address=address).update(detail="")
    contacts.forget(address)
    # Without contacts at a provider, forget() stores no change that would delete these rows after it is reported.
    if not contacts_provider():
        ContactChange.objects.filter(Q(address=address) | Q(former_address=address)).delete()


def erase_settled() -> int:
    """Erase the emails that ``erase`` left because they weren't settled; returns how many. Safe to repeat."""
    total = 0
    while erased := erase_some_settled():
        total += erased
    return total


@index_walks()
def erase_some_settled() -> int:
    settled = OutboundEmail.objects.filter(to_be_erased=True, settled_at__isnull=False).order_by("settled_at")
    # Locked, so that no event is stored for a row that is being deleted. If one is being stored right now, the row is
    # left to the next sweep.
    keys = [*settled.select_for_update(skip_locked=True).values_list("pk", flat=True)[:ERASED_AT_ONCE]]
    if not keys:
        return 0
    DeliveryEvent.objects.filter(email__in=keys).delete()
    DeliveryAttempt.objects.filter(emails__in=keys).update(detail="")
    emails = OutboundEmail.objects.filter(pk__in=keys).order_by()
    delete([key for key, idempotency_key in emails.values_list("pk", "idempotency_key") if idempotency_key is None])
    emails.update(recipients="", subject="", content=None, detail="", metadata={}, to_be_erased=False)
    return len(keys)


def delete(keys: Collection[UUID]) -> None:
    """Delete the emails with their events, and the attempts that carried no others."""
    emails_deleting.send(OutboundEmail, keys=keys)
    # order_by() removes the models' orderings, for which the database would sort.
    carried = AttemptedEmail.objects.filter(email__in=keys).order_by()
    attempts = {*carried.values_list("attempt", flat=True)}
    OutboundEmail.objects.filter(pk__in=keys).only("pk").order_by().delete()
    carries_others = Exists(AttemptedEmail.objects.filter(attempt=OuterRef("pk")))
    settled = DeliveryAttempt.objects.filter(pk__in=attempts, settled_at__isnull=False)
    settled.exclude(carries_others).only("pk").order_by().delete()
