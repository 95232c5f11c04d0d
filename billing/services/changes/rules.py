"""Which subscription a person may change, and when."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from accounts.models import User
from billing.errors import (
    BillingError,
    CancellationScheduled,
    NoSubscription,
    NotChangeable,
    PaymentDue,
    SeveralSubscriptions,
    SubscriptionEnded,
    SubscriptionIncomplete,
    SubscriptionPaused,
)
from billing.models import Subscription, SubscriptionChange
from billing.models.clock import is_ahead
from billing.payloads import StripeObject, SubscriptionState

# The errors of a status. Every other status, also one that we don't know, can be changed only on Stripe's page.
REFUSALS: dict[str, type[BillingError]] = {
    "past_due": PaymentDue,
    "unpaid": PaymentDue,
    "paused": SubscriptionPaused,
    "incomplete": SubscriptionIncomplete,
    "canceled": SubscriptionEnded,
    "incomplete_expired": SubscriptionEnded,
}
CHANGEABLE = ("active", "trialing")
CANCELABLE = (*CHANGEABLE, "past_due", "unpaid", "paused")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a person may do with their subscription now."""

    can_change: bool = False
    can_cancel: bool = False
    can_resume: bool = False
    pending: SubscriptionChange | None = None


def own_subscription(user: User) -> Subscription:
    """Return the only live subscription of the user to a plan of ours.

    Raises ``NoSubscription``, ``SubscriptionEnded``, ``SubscriptionIncomplete``, ``SeveralSubscriptions``, or
    ``NotChangeable``.
    """
    live = [*Subscription.objects.of(user.pk).live().exclude(status="")]
    ours: list[Subscription] = [subscription for subscription in live if subscription.plan is not None]
    if len(ours) > 1:
        raise SeveralSubscriptions
    if ours:
        return ours[0]
    if live:
        raise NotChangeable
    current = Subscription.objects.current_of(user.pk)  # one that is incomplete or has ended
    raise REFUSALS.get(current.status if current else "", NoSubscription)()


def refuse_unless_changeable(state: SubscriptionState | Subscription) -> None:
    """Raise an error if another plan, interval, or quantity can't be chosen now. Stripe's answer decides."""
    if state.status not in CHANGEABLE:
        raise REFUSALS.get(state.status, NotChangeable)()
    if state.is_collection_paused:
        raise SubscriptionPaused
    if state.cancel_at is not None:
        raise CancellationScheduled


def refuse_unless_cancelable(state: SubscriptionState) -> None:
    if state.status not in CANCELABLE:
        raise REFUSALS.get(state.status, NotChangeable)()


def abilities_of(user: User) -> Abilities:
    """Return what the pages and the API offer. A request can still be refused, because Stripe's state decides."""
    try:
        subscription = own_subscription(user)
    except BillingError:
        return Abilities()
    pending = subscription.changes.pending().first()
    if pending or not settings.STRIPE_SECRET_KEY:
        return Abilities(pending=pending)
    is_changeable = subscription.status in CHANGEABLE and not subscription.is_collection_paused
    is_running = subscription.status in CANCELABLE and subscription.cancel_at is None
    return Abilities(
        can_change=is_changeable and is_running,
        can_cancel=is_running,
        can_resume=is_ahead(subscription.cancel_at) or subscription.scheduled_change is not None,
    )


def items_of(subscription: StripeObject) -> list[StripeObject]:
    """Return the items with their ids. Raises ``NotChangeable`` if Stripe's answer doesn't contain all."""
    items = [*subscription.items("items")]
    if not items or subscription.inner("items").is_true("has_more") or not all(item.id for item in items):
        raise NotChangeable
    return items


def fingerprint(subscription: StripeObject) -> list[object]:
    """Return what a preview depends on. If any of it changes, the preview is out of date."""
    state = SubscriptionState.read(subscription)
    items = sorted([item.id, item.ref("price"), item.known_integer("quantity")] for item in items_of(subscription))
    return [items, seconds(state.current_period_end), seconds(state.trial_end), state.currency]


def seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
