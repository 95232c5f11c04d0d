"""Sends the signals of billing/signals.py. Call each function in the transaction that stores the fact.

The row's state, read under its lock, decides whether a fact is new, so that no fact is announced twice.
"""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from django.db import transaction
from django.dispatch import Signal

from billing.models import Dispute, Payment, Subscription
from billing.plans import Plan
from billing.services import contacts
from billing.signals import (
    dispute_opened,
    payment_failed,
    payment_succeeded,
    subscription_changed,
    subscription_ended,
    subscription_started,
    trial_ending,
)

logger = logging.getLogger(__name__)

# The first payment has arrived, or none was due. An ended subscription had begun, although its events may come first.
BEGUN = ("active", "trialing", "past_due", "unpaid", "paused", "canceled")


@dataclass(frozen=True, slots=True)
class Before:
    """What a subscription was before a change."""

    status: str
    price_id: str
    quantity: int | None
    plan: Plan | None

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        plan = contacts.plan_of(subscription)
        return cls(subscription.status, subscription.price_id, subscription.quantity, plan)

    def changed_fields(self, subscription: Subscription) -> tuple[str, ...]:
        """Return the names of the fields that changed. A price or quantity that only became known didn't."""
        changed = {
            "status": subscription.status != self.status,
            "price_id": bool(self.price_id) and subscription.price_id != self.price_id,
            "quantity": self.quantity is not None and subscription.quantity != self.quantity,
        }
        return tuple(name for name, is_changed in changed.items() if is_changed)


def save_subscription(subscription: Subscription, before: Before) -> None:
    """Save the row, which is locked, and announce what changed."""
    has_started = not subscription.has_begun and subscription.status in BEGUN
    subscription.has_begun = subscription.has_begun or has_started
    subscription.save()
    report_subscription(subscription, before, has_started=has_started)


def report_subscription(subscription: Subscription, before: Before, *, has_started: bool) -> None:
    """Announce the change of a row that is stored already."""
    contacts.report_change(subscription, before.plan)
    if changed := before.changed_fields(subscription):
        logger.info("Subscription %s is %s (was %s).", subscription.pk, subscription.status, before.status or "unknown")
    if has_started:
        send_subscription(subscription_started, subscription)
    if changed:
        send_subscription(subscription_changed, subscription, was=before.status, changed=changed)
    if "status" in changed and subscription.status == "canceled":
        send_subscription(subscription_ended, subscription)


def announce_trial_end(subscription: Subscription) -> None:
    """Announce the end of the trial unless this date was announced before. The row is locked."""
    if subscription.announced_trial_end != subscription.trial_end:
        subscription.announced_trial_end = subscription.trial_end
        subscription.save(update_fields=["announced_trial_end"])
        send_subscription(trial_ending, subscription)


def announce_payment(stripe_id: str) -> None:
    """Announce a payment that has just become paid."""
    after_commit(send_payment, payment_succeeded, stripe_id)


def announce_failure(stripe_id: str, attempt: int) -> None:
    """Announce a failed attempt that is newer than all others."""
    after_commit(send_payment, payment_failed, stripe_id, attempt=attempt)


def announce_dispute(dispute: Dispute) -> None:
    """Announce the dispute unless that was done before. The row is locked, and its payment is known."""
    if not dispute.is_announced:
        dispute.is_announced = True
        dispute.save(update_fields=["is_announced"])
        after_commit(dispute_opened.send_robust, sender=Dispute, dispute=dispute)


def send_subscription(signal: Signal, subscription: Subscription, **values: Any) -> None:
    after_commit(signal.send_robust, sender=Subscription, subscription=subscription, **values)


def send_payment(signal: Signal, stripe_id: str, **values: Any) -> None:
    """Send the signal with the payment as it is stored now."""
    if not signal.has_listeners(Payment):
        return  # saves a query with every payment
    if payment := Payment.objects.select_related("user", "customer").filter(stripe_id=stripe_id).first():
        signal.send_robust(sender=Payment, payment=payment, **values)


def after_commit(send: Any, *arguments: Any, **values: Any) -> None:
    # A receiver may read the row, and a rolled-back change must not be announced. A failing receiver must neither undo
    # nor repeat the event, so both calls are robust.
    transaction.on_commit(partial(send, *arguments, **values), robust=True)
