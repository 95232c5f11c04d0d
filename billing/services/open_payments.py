"""The payment that a subscription is waiting for, and since when: what the banner, the API, and the grace period use.

Both follow from what is stored, so they are the same in whatever order the events arrive.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models.functions import Now

from billing.models import Payment, StripeEvent, Subscription
from billing.models.subscriptions import OWING

PAID_EVENTS = ("invoice.paid", "invoice.payment_succeeded")
FIELDS = ("open_payment", "unpaid_since", "refresh_at")


def note(subscription: Subscription) -> None:
    """Set the fields of the locked subscription. The caller saves it."""
    failed = Payment.objects.open_of(subscription.pk)
    subscription.open_payment = newest_of(failed, subscription.latest_invoice)
    subscription.unpaid_since = unpaid_since(subscription, failed)


def update(subscription_id: str) -> None:
    """Lock the subscription and store what has changed. Call it after one of its payments failed, or was settled."""
    if not subscription_id:
        return
    subscription = Subscription.objects.select_for_update().filter(pk=subscription_id).first()
    if subscription is None or subscription.is_final:
        return
    before = (subscription.open_payment_id, subscription.unpaid_since)
    note(subscription)
    if before != (subscription.open_payment_id, subscription.unpaid_since):
        # The end of the grace period may have moved, so the next question to Stripe has another date.
        if settings.STRIPE_SECRET_KEY and subscription.status in OWING:
            subscription.refresh_at = Now()
        subscription.save(update_fields=FIELDS)


def newest_of(failed: Sequence[Payment], latest_invoice: str) -> Payment | None:
    """Return the payment that the customer should make first: the one that Stripe's status is about, else the last."""
    return max(
        failed,
        key=lambda payment: (payment.stripe_id == latest_invoice, failed_at(payment), payment.stripe_id),
        default=None,
    )


def failed_at(payment: Payment) -> datetime:
    return payment.last_failed_at or payment.created_at


def unpaid_since(subscription: Subscription, failed: Sequence[Payment]) -> datetime | None:
    """Return when the first payment failed that is still missing, or None if nothing is known to be missing.

    If no event reported a failure, it is the beginning of the period that isn't paid.
    """
    if subscription.status not in OWING:
        return None
    if failed:
        return min(payment.first_failed_at or payment.created_at for payment in failed)
    if subscription.latest_invoice and is_settled_invoice(subscription.latest_invoice):
        return None
    return start_of_unpaid_period(subscription)


def is_settled_invoice(invoice: str) -> bool:
    """Return whether an invoice without a failed payment is known to be paid, canceled, or written off."""
    # An invoice over nothing has no payment here.
    paid = StripeEvent.objects.filter(object_id=invoice, type__in=PAID_EVENTS)
    return Payment.objects.filter(stripe_id=invoice).exists() or paid.exists()


def start_of_unpaid_period(subscription: Subscription) -> datetime | None:
    # Stripe begins the next period before it charges for it. Servers that imitate Stripe may not.
    end, reported = subscription.current_period_end, subscription.reported_at
    if end and reported and end <= reported:
        return end
    return subscription.current_period_start or reported


def is_missing(subscription: Subscription) -> bool:
    """Return whether the newest known state says that the customer has to pay. Needs ``open_payment`` loaded."""
    payment = subscription.open_payment
    if subscription.is_final or subscription.is_over:
        return False
    if subscription.status in OWING:
        # Without a date, the newest invoice is known to be settled, and Stripe will report the subscription as active.
        return payment is not None or not subscription.latest_invoice or subscription.unpaid_since is not None
    if payment is None or not payment.is_open:
        return False
    if subscription.status in ("", "incomplete"):
        return is_awaited(subscription)
    return not is_settled(subscription, failed_at(payment))


def is_settled(subscription: Subscription, at: datetime) -> bool:
    """Return whether a payment that failed ``at`` this time has arrived since."""
    # Stripe reports a subscription as active again only after the payment.
    return subscription.status == "active" and subscription.updated_at is not None and subscription.updated_at > at


def is_awaited(subscription: Subscription) -> bool:
    """Return whether the buyer left Checkout without having paid, as with a direct debit."""
    return subscription.ordered_at is not None and subscription.first_paid_at is None
