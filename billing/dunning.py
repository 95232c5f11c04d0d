"""What emails and the banner say about a failed payment: how firm they are, and what happens without a payment."""

from datetime import datetime, timedelta

from django.utils import timezone

from billing.models import Payment, Subscription, grace
from billing.models.clock import is_ahead

# Stripe sends the events about the last attempt and about the end of the subscription at the same time.
FINAL_NOTICE_DELAY = timedelta(minutes=10)


def stage(payment: Payment) -> str:
    """Return how firm the words are: ``first``, ``later``, or ``last``, after which Stripe makes no attempt."""
    if payment.next_attempt_at is None:
        return "last"
    return "later" if payment.attempt > 1 else "first"


def time_to_send(payment: Payment) -> datetime | None:
    """Return when to send the email, or None for immediately.

    After the last attempt, another event says whether the subscription ends. An email about that replaces this one.
    """
    is_final = payment.next_attempt_at is None and payment.attempt > 1
    return timezone.now() + FINAL_NOTICE_DELAY if is_final else None


def end_without_payment(subscription: Subscription | None, payment: Payment | None) -> datetime | None:
    """Return when access ends unless the payment arrives, or None if that isn't certain or happens anyway."""
    if subscription is None or not subscription.gives_access:
        return None
    end = subscription.grace_ends_at
    # The event of the payment can arrive before the one that reports the subscription as past due.
    if subscription.status == "active" and payment and payment.first_failed_at:
        end = grace.ends_at(grace.UNPAID, payment.first_failed_at, None)
    is_first = end is not None and (subscription.cancel_at is None or subscription.cancel_at > end)
    return end if is_first and is_ahead(end) else None
