"""The rows of StripeEvent. Each event is stored once, and kept until Stripe can no longer send it again.

Stripe delivers an event at least once: again after any response but a 2xx, and whenever somebody resends it. The
primary key is Stripe's event id, so a repeated delivery finds the row that is already there.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from billing.models import CleanupRequest, Erasure, EventAddress, StripeEvent
from billing.payloads import StripeObject
from billing.payloads.customers import customer_id_of
from billing.webhook.envelope import Envelope
from common.batches import delete_in_batches, in_batches
from common.db import insert_if_absent

# The request that stores an event processes it right away. Only if its process dies before that is done, the sweep
# takes over, so the delay has to be longer than a request.
SWEEP_DELAY = timedelta(seconds=60)
# "stripe events resend" works for 30 days after an event. A row must outlive that, or the event would be taken for a
# new one.
KEPT_FOR = timedelta(days=90)
MAX_ADDRESSES = 50  # in one event


def store(envelope: Envelope, body: str, *, expects_invoice: str = "") -> None:
    """Insert the event unless it is already stored.

    ``expects_invoice`` is the id of the invoice that Stripe should report as paid next (monitoring.py).
    """
    row = row_of(envelope, body, expects_invoice)
    # An erasure finds the events of a customer through the customer.
    found = [] if row.customer_id else [*addresses_in(envelope.data)]
    if not found:
        insert_if_absent([row])
        return
    with transaction.atomic():
        if insert_if_absent([row]):
            store_addresses(row.pk, found)


def store_addresses(event_id: str, addresses: Iterable[str]) -> None:
    EventAddress.objects.bulk_create(
        (EventAddress(event_id=event_id, address=address) for address in addresses), ignore_conflicts=True
    )


def row_of(envelope: Envelope, body: str, expects_invoice: str) -> StripeEvent:
    """Return the event's unsaved row, which is due if its request doesn't process it."""
    return StripeEvent(
        id=envelope.id,
        type=envelope.type,
        api_version=envelope.api_version,
        livemode=envelope.livemode,
        account=envelope.account,
        customer_id=customer_of(envelope),
        object_id=subject_of(envelope),
        expects_invoice=expects_invoice,
        created_at=envelope.created_at,
        due_at=timezone.now() + SWEEP_DELAY,
        body=body,
    )


def subject_of(envelope: Envelope) -> str:
    """Return the id of the object that staff and customers know, by which the event is found again."""
    # This object only says which payment intent paid an invoice, and nothing else refers to it.
    if envelope.type.startswith("invoice_payment."):
        return envelope.data.ref("invoice")
    return envelope.data.id


def customer_of(envelope: Envelope) -> str:
    """Return the id of the customer that the event is about, or an empty string."""
    # A customer object has its own id in "id". Every other object names its customer in a field.
    is_customer = envelope.data.text("object") == "customer"
    return envelope.data.id if is_customer else customer_id_of(envelope.data)


def addresses_in(data: StripeObject) -> set[str]:
    """Return the email addresses in the object, in lowercase, wherever they are."""
    found: set[str] = set()
    values: list[Any] = [data.data]
    while values and len(found) < MAX_ADDRESSES:
        value = values.pop()
        if isinstance(value, dict | list):
            values.extend(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, str) and "@" in value and (address := StripeObject({"": value}).email_address("")):
            found.add(address.lower())
    return found


def purge() -> int:
    """Delete the processed events that Stripe can no longer send again, and return how many."""
    old = timezone.now() - KEPT_FOR
    # Unprocessed events are kept at any age, because a fix in our code may still process them.
    processed = StripeEvent.objects.filter(status=StripeEvent.Status.PROCESSED, received_at__lt=old)
    deleted = delete_in_batches(processed, "received_at")
    named = Erasure.objects.filter(erased_at__lt=old).exclude(address_digest="")
    in_batches(named, "erased_at", lambda rows: rows.update(address_digest=""))
    delete_in_batches(CleanupRequest.objects.filter(done_at__lt=old), "done_at")
    return deleted
