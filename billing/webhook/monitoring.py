"""A check that Stripe sends the events that receipts depend on.

Which events an endpoint receives is chosen at Stripe, and nothing in a delivery shows what is missing. But a paid
subscription names its first invoice, so if no event reports that invoice as paid, the choice is incomplete.
"""

import logging
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from billing.models import StripeEvent

logger = logging.getLogger(__name__)

# Either of the two sends the receipt, so an endpoint that receives only one of them is complete.
PAID_TYPES = ("invoice.paid", "invoice.payment_succeeded")
# Stripe usually sends the events of a purchase within a minute, in any order.
MAX_DELAY = timedelta(hours=1)
# The warning should disappear once the endpoint has been corrected, so older purchases don't count.
LOOK_BACK = timedelta(days=7)
ADVICE = (
    "{count} subscription(s) were bought, but Stripe didn't report a paid invoice within an hour, so no receipt was "
    "sent. At Stripe, add invoice.paid to the events of your endpoint."
)


def missing_invoices() -> int:
    """Return how many subscriptions were bought in the last week, but not in the last hour, without a paid invoice."""
    arrived = StripeEvent.objects.filter(type__in=PAID_TYPES, object_id=OuterRef("expects_invoice"))
    arrived = arrived.exclude(object_id="")  # the condition of the index
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
