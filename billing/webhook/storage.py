"""The rows of StripeEvent: one for each event, kept until Stripe can no longer send it again."""

from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from billing.models import StripeEvent
from billing.payloads.customers import customer_id_of
from billing.webhook.envelope import Envelope
from common.db import insert_if_absent

# The request that stores an event processes it right away. The sweep takes over if that process dies.
SWEEP_DELAY = timedelta(seconds=60)
KEPT_FOR = timedelta(days=90)  # Stripe sends an event again on request for 30 days


def store(envelope: Envelope, body: str, *, expects_invoice: str = "") -> None:
    """Insert the event unless it is stored already. ``expects_invoice`` is the invoice that should follow it."""
    # A customer object names itself in "id"; every other object names its customer in a field.
    is_customer = envelope.data.text("object") == "customer"
    row = StripeEvent(
        id=envelope.id,
        type=envelope.type,
        api_version=envelope.api_version,
        livemode=envelope.livemode,
        account=envelope.account,
        customer_id=envelope.data.id if is_customer else customer_id_of(envelope.data),
        object_id=envelope.data.id,
        expects_invoice=expects_invoice,
        created_at=envelope.created_at,
        due_at=timezone.now() + SWEEP_DELAY,
        body=body,
    )
    insert_if_absent([row])


def purge() -> int:
    """Delete processed events that Stripe no longer sends again. Returns how many."""
    old = StripeEvent.objects.filter(status=StripeEvent.Status.PROCESSED, received_at__lt=Now() - KEPT_FOR)
    deleted, _ = old.delete()
    return deleted
