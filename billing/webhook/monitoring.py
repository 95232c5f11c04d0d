"""What Stripe should have told and did not: the event types that somebody forgot to tick."""

import logging
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from billing.models import StripeEvent

logger = logging.getLogger(__name__)

PAID_TYPES = ("invoice.paid", "invoice.payment_succeeded")
PATIENCE = timedelta(hours=1)
LOOK_BACK = timedelta(days=7)
ADVICE = (
    "{count} subscription(s) were bought, but Stripe didn't report a paid invoice within an hour, so no receipt was "
    "sent. At Stripe, add invoice.paid to the events of your endpoint."
)


def missing_invoices() -> int:
    """How many subscriptions were bought, in the last week and not in the last hour, whose invoice was not heard of."""
    heard = StripeEvent.objects.filter(type__in=PAID_TYPES, object_id=OuterRef("expects_invoice"))
    bought = StripeEvent.objects.exclude(expects_invoice="").filter(
        received_at__lt=Now() - PATIENCE, received_at__gt=Now() - LOOK_BACK
    )
    return bought.exclude(Exists(heard)).count()


def trouble() -> str:
    """What a person should change at Stripe; empty where nothing is missing."""
    count = missing_invoices()
    return ADVICE.format(count=count) if count else ""


def log_missing_invoices() -> None:
    if found := trouble():
        logger.error("%s", found)
