"""The mail of one person: found, exported, erased. Whose a message is stands in its ``metadata["user_id"]``."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from emails import contacts
from emails.backends import contacts_provider
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, OutboundEmail, Status, Suppression
from emails.support.history import history


def mail_of(user_id: str) -> QuerySet[OutboundEmail]:
    """Newest first, without the bodies."""
    return OutboundEmail.objects.filter(person=user_id).order_by("-created_at").defer("content")


def export(user_id: str) -> list[dict[str, Any]]:
    """Every message and what became of it, as values that JSON knows and dates. Live links are left out."""
    mails = mail_of(user_id).defer(None).prefetch_related("attempts", "events")
    return [exported(email) for email in mails]


def exported(email: OutboundEmail) -> dict[str, Any]:
    is_readable = not (email.is_blanked or email.sensitive)
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
    """Forget a person in the caller's transaction: mails, what providers told about them, contacts at ``addresses``.

    What waits is cancelled, except the mail of ``last_kind``. That one, and whatever a provider is just being handed,
    is erased by ``erase_settled`` later. A row with an idempotency key stays, empty, so that the key still holds. The
    suppression of an address stays too, without what the provider said: it is there so that nobody writes to it.
    """
    mails = OutboundEmail.objects.filter(person=user_id)
    waiting = mails.filter(status=Status.QUEUED, lease_token=None)
    waiting.exclude(kind=last_kind).update(status=Status.CANCELLED, reason="", detail="", due_at=None, settled_at=Now())
    mails.update(to_be_erased=True)
    erase_settled()
    for address in addresses:
        forget_address(address.lower())


def forget_address(address: str) -> None:
    DeliveryEvent.objects.filter(email=None, recipient=address).delete()
    Suppression.objects.filter(address=address).update(detail="")
    contacts.forget(address)
    if not contacts_provider():
        ContactChange.objects.filter(address=address).delete()


def erase_settled() -> int:
    """Erase what was to be erased and is settled by now; returns how many messages. May be repeated."""
    settled = OutboundEmail.objects.filter(to_be_erased=True, settled_at__isnull=False)
    keys = [*settled.values_list("pk", flat=True)]
    DeliveryEvent.objects.filter(email__in=keys).delete()
    DeliveryAttempt.objects.filter(emails__in=keys).update(detail="")
    ours = OutboundEmail.objects.filter(pk__in=keys)
    ours.filter(idempotency_key=None).delete()
    ours.update(recipients="", subject="", content=None, detail="", metadata={}, to_be_erased=False)
    return len(keys)
