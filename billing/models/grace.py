"""How long access continues without a payment: BILLING_GRACE_DAYS after the first one that failed.

Stripe calls such a subscription ``past_due``. If BILLING_GRACE_DAYS isn't set, access continues until Stripe gives up.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.models.clock import has_passed, later

UNPAID = "past_due"


def grace_period() -> timedelta | None:
    """Return None if there is no limit."""
    return None if settings.BILLING_GRACE_DAYS is None else timedelta(days=settings.BILLING_GRACE_DAYS)


def has_grace() -> Q:
    """Return the condition for subscriptions whose grace period isn't over. ``is_over`` says the same about one row."""
    grace = grace_period()
    if grace is None:
        return Q()
    start = timezone.now() - grace
    is_paid_until = Q(current_period_end=None) | Q(current_period_end__gt=start)
    goes_on = Q(unpaid_since__gt=start) | (Q(unpaid_since=None) & is_paid_until)
    if settings.STRIPE_SECRET_KEY:
        # Until Stripe has said after the end that the payment is still missing, it may have arrived.
        end = ExpressionWrapper(Coalesce(F("unpaid_since"), F("current_period_end")) + grace, DateTimeField())
        goes_on |= Q(reported_at=None) | Q(reported_at__lt=end)
    return ~Q(status=UNPAID) | goes_on


def ends_at(status: str, unpaid_since: datetime | None, current_period_end: datetime | None) -> datetime | None:
    """Return when access ends without a payment, or None if nothing is missing or there is no limit."""
    grace, start = grace_period(), unpaid_since or current_period_end
    return later(start, grace) if status == UNPAID and grace is not None and start else None


def is_over(end: datetime | None, reported_at: datetime | None) -> bool:
    """Return whether the grace period that ends at ``end`` is over, for a state that Stripe reported then."""
    if end is None or not has_passed(end):
        return False
    return not settings.STRIPE_SECRET_KEY or (reported_at is not None and reported_at >= end)
