"""The state of subscriptions. Events arrive more than once, late, and out of order; the newest one decides."""

import logging
from dataclasses import asdict
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from billing import mail
from billing.models import Payment, Subscription
from billing.models.subscriptions import FINAL
from billing.payloads import CheckoutSession, SubscriptionState
from billing.services.customers import Payer, identify
from billing.signals import subscription_changed
from common.db import insert_if_absent

logger = logging.getLogger(__name__)

ANSWER_RANK = 9  # Stripe's answer to our own question: newer than every event of the same second


def record_state(state: SubscriptionState, version: str, *, is_answer: bool = False) -> Payer:
    """Store the state unless a newer one is stored or the subscription has ended. Returns whose subscription it is.

    ``is_answer``: the state is Stripe's answer to our question, not an event. Events, even outdated ones, schedule that
    question.
    """
    payer = identify(state.customer)
    subscription = lock_or_create(state.id)
    previous_status = subscription.status
    subscription.customer_id = subscription.customer_id or payer.customer_id
    if replaces_stored_state(subscription, state, version):
        for name, value in state_fields(state).items():
            setattr(subscription, name, value)
        subscription.status = status_after_payment(subscription)
        subscription.version = version
    if not is_answer:
        subscription.refresh_at = next_refresh(subscription)
    save_and_announce(subscription, previous_status)
    return payer


def replaces_stored_state(subscription: Subscription, state: SubscriptionState, version: str) -> bool:
    """Return whether the state replaces the stored one."""
    has_ended = state.status in FINAL
    if subscription.is_final == has_ended:
        return version > subscription.version
    # One of the two has ended. That one wins whatever the versions say, because Stripe never revives a subscription.
    return has_ended


def version_of(created_at: datetime, rank: int, event_id: str = "") -> str:
    """Return a version that sorts as text by Stripe's clock, then by rank, then by the event's id."""
    # The clock counts whole seconds, and Stripe often changes a subscription twice in one second. The rank decides
    # then. Between equal ranks, the id makes the result independent of the order in which the events arrive.
    return f"{int(created_at.timestamp()):012d}.{rank}.{event_id}"


def state_fields(state: SubscriptionState) -> dict[str, object]:
    return {name: value for name, value in asdict(state).items() if name not in ("id", "customer")}


def lock_or_create(subscription_id: str) -> Subscription:
    insert_if_absent([Subscription(pk=subscription_id)])
    return Subscription.objects.select_for_update().get(pk=subscription_id)


def status_after_payment(subscription: Subscription) -> str:
    """Return ``active`` instead of ``incomplete`` if the first payment is known."""
    # The event of the payment can arrive before the one that still says incomplete.
    if subscription.status != "incomplete":
        return subscription.status
    is_paid = subscription.first_paid_at or Payment.objects.paid_for(subscription.pk).exists()
    return "active" if is_paid else "incomplete"


def next_refresh(subscription: Subscription) -> datetime | Now | None:
    """Return when to ask Stripe for the true state, or None if there is nothing to ask."""
    # The order of two events within one second is only our guess. With an API key, Stripe's answer settles it.
    return Now() if settings.STRIPE_SECRET_KEY and not subscription.is_final else None


def record_checkout(session: CheckoutSession, at: datetime) -> None:
    """Store that the session's payer bought the subscription, and when it was paid."""
    payer = identify(session.customer)
    subscription = lock_or_create(session.subscription)
    previous_status = subscription.status
    subscription.customer_id = subscription.customer_id or payer.customer_id
    if session.is_settled:
        subscription.first_paid_at = min(filter(None, [subscription.first_paid_at, at]))
        subscription.status = subscription.status or "incomplete"
        subscription.status = status_after_payment(subscription)
    subscription.refresh_at = next_refresh(subscription)
    save_and_announce(subscription, previous_status)


def activate(subscription_id: str) -> None:
    """Activate an incomplete subscription, whose first payment has arrived. Does nothing to any other."""
    if Subscription.objects.activate(subscription_id):
        announce(Subscription.objects.get(pk=subscription_id), "incomplete")


def record_end(state: SubscriptionState, version: str) -> None:
    """Store the end and send the email about it."""
    payer = record_state(state, version)
    if state.status == "canceled":
        mail.send_subscription_ended_email(payer.recipient, state)


def announce_trial_end(state: SubscriptionState, version: str) -> None:
    """Store the state and send the email about the trial's end, which is a few days away."""
    payer = record_state(state, version)
    if state.trial_end is not None:
        mail.send_trial_ending_email(payer.recipient, state, state.trial_end)


def save_and_announce(subscription: Subscription, previous_status: str) -> None:
    subscription.save()
    if subscription.status != previous_status:
        announce(subscription, previous_status)


def announce(subscription: Subscription, previous_status: str) -> None:
    """Send ``subscription_changed`` to the rest of the project after the commit."""
    logger.info("Subscription %s is %s (was %s).", subscription.pk, subscription.status, previous_status or "unknown")
    send = partial(
        subscription_changed.send_robust, sender=Subscription, subscription=subscription, was=previous_status
    )
    transaction.on_commit(send, robust=True)
