"""Detects a webhook endpoint at Stripe that isn't subscribed to the events that receipts depend on."""

import logging
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from billing.models import StripeEvent

logger = logging.getLogger(__name__)

PAID_TYPES = ("invoice.paid", "invoice.payment_succeeded")
MAX_DELAY = timedelta(hours=1)  # Stripe usually sends both events within a minute
LOOK_BACK = timedelta(days=7)
ADVICE = (
    "{count} subscription(s) were bought, but Stripe didn't report a paid invoice within an hour, so no receipt was "
    "sent. At Stripe, add invoice.paid to the events of your endpoint."
)


def missing_invoices() -> int:
    """Return how many subscriptions were bought in the last week, but not in the last hour, without a paid invoice."""
    arrived = StripeEvent.objects.filter(type__in=PAID_TYPES, object_id=OuterRef("expects_invoice"))
    purchases = StripeEvent.objects.exclude(expects_invoice="").filter(
        received_at__lt=Now() - MAX_DELAY, received_at__gt=Now() - LOOK_BACK
    )
    return purchases.exclude(Exists(arrived)).count()


def missing_invoices_warning() -> str:
    """Return what a person should change at Stripe, or an empty string if no invoice is missing."""
    count = missing_invoices()
    return ADVICE.format(count=count) if count else ""


def log_missing_invoices() -> None:
    if warning := missing_invoices_warning():
        logger.error("%s", warning)
