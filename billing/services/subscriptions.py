"""What state a subscription is in. Events come twice, late and out of turn: the one that says the newest holds."""

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
from billing.payloads import Session, SubscriptionState
from billing.services.customers import Account, identify
from billing.signals import subscription_changed
from common.db import insert_if_absent

logger = logging.getLogger(__name__)

ASKED = 9  # the rank of what Stripe answers when it is asked: above every event of the same second


def apply(state: SubscriptionState, version: str, *, was_asked: bool = False) -> Account:
    """Let the subscription become what ``state`` says, unless something newer is known, or it has ended for good.

    Returns whose it is. ``was_asked``: Stripe said so when it was asked; an event, even one that is no news, lets it be
    asked.
    """
    account = identify(state.party)
    subscription = locked(state.id)
    was = subscription.status
    subscription.customer_id = subscription.customer_id or account.customer_id
    if is_news(subscription, state, version):
        for name, value in facts(state).items():
            setattr(subscription, name, value)
        subscription.status = status_after_payment(subscription)
        subscription.version = version
    if not was_asked:
        subscription.refresh_at = when_to_ask(subscription)
    subscription.save()
    if subscription.status != was:
        announce(subscription, was)
    return account


def is_news(subscription: Subscription, state: SubscriptionState, version: str) -> bool:
    """A subscription that has ended never comes back, however new an event is that says so."""
    has_ended = state.status in FINAL
    if subscription.is_final == has_ended:
        return version > subscription.version
    return has_ended


def version_of(created_at: datetime, rank: int, event_id: str = "") -> str:
    """Sorts as text: by Stripe's clock, which counts whole seconds, then by what the type of the event says."""
    return f"{int(created_at.timestamp()):012d}.{rank}.{event_id}"


def facts(state: SubscriptionState) -> dict[str, object]:
    return {name: value for name, value in asdict(state).items() if name not in ("id", "party")}


def locked(subscription_id: str) -> Subscription:
    insert_if_absent([Subscription(pk=subscription_id)])
    return Subscription.objects.select_for_update().get(pk=subscription_id)


def status_after_payment(subscription: Subscription) -> str:
    """An event may still say ``incomplete`` when another has told of the first payment already."""
    if subscription.status != "incomplete":
        return subscription.status
    is_paid = subscription.first_paid_at or Payment.objects.paid_for(subscription.pk).exists()
    return "active" if is_paid else "incomplete"


def when_to_ask(subscription: Subscription) -> datetime | Now | None:
    """Events of one second have no order: with a key for its API Stripe is asked, once the answer is out."""
    return Now() if settings.STRIPE_SECRET_KEY and not subscription.is_final else None


def note_checkout(session: Session, at: datetime) -> None:
    """A subscription was bought: it belongs to whom the session belongs to, and its first payment is made."""
    account = identify(session.party)
    subscription = locked(session.subscription)
    was = subscription.status
    subscription.customer_id = subscription.customer_id or account.customer_id
    if session.is_settled:
        subscription.first_paid_at = min(filter(None, [subscription.first_paid_at, at]))
        subscription.status = subscription.status or "incomplete"
        subscription.status = status_after_payment(subscription)
    subscription.refresh_at = when_to_ask(subscription)
    subscription.save()
    if subscription.status != was:
        announce(subscription, was)


def begin(subscription_id: str) -> None:
    """An incomplete subscription waits for its first payment, and this is it."""
    if Subscription.objects.filter(pk=subscription_id, status="incomplete").update(status="active"):
        announce(Subscription.objects.get(pk=subscription_id), "incomplete")


def end(state: SubscriptionState, version: str) -> None:
    account = apply(state, version)
    if state.status == "canceled":
        mail.send_subscription_ended_email(account.recipient, state)


def announce_trial_end(state: SubscriptionState, version: str) -> None:
    account = apply(state, version)
    if state.trial_end is not None:
        mail.send_trial_ending_email(account.recipient, state, state.trial_end)


def announce(subscription: Subscription, was: str) -> None:
    """Tell the rest of the project, after the commit."""
    logger.info("Subscription %s is %s (was %s).", subscription.pk, subscription.status, was or "unknown")
    send = partial(subscription_changed.send_robust, sender=Subscription, subscription=subscription, was=was)
    transaction.on_commit(send, robust=True)
