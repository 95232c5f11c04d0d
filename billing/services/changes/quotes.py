"""Previews: what a change would cost, and the signed token with which a person confirms exactly that."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import signing

from accounts.models import User
from billing.errors import AlreadyScheduled, NothingToChange, PreviewOutdated, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import SubscriptionChange
from billing.payloads import Preview, Schedule, StripeObject, SubscriptionState
from billing.plans import Plan
from billing.services.changes.rules import fingerprint, refuse_unless_changeable, seconds
from billing.services.changes.targets import (
    Choice,
    Target,
    contents_of,
    current_contents,
    plan_for_change,
    resolve,
    takes_effect_now,
)

TOKEN_LIFE = timedelta(minutes=30)
SALT = "billing.subscription-change"
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a change costs. ``effective_at`` is None if it is made immediately.

    ``next_amount`` is the next regular charge in minor units, or None if it isn't certain or if there won't be one.
    """

    action: SubscriptionChange.Action
    subscription_id: str
    plan: Plan
    target: Target | None
    effective_at: datetime | None
    amount_due: int
    currency: str
    preview: Preview | None
    next_amount: int | None
    next_charge_at: datetime | None
    proration_date: int
    before: list[object]

    @property
    def facts(self) -> Facts:
        """What the person confirms, and what it depends on."""
        return {
            "subscription": self.subscription_id,
            "action": str(self.action),
            "plan": self.plan.slug,
            "wanted": self.target.contents if self.target else [],
            "before": self.before,
            "amount_due": self.amount_due,
            "currency": self.currency,
            "next_amount": self.next_amount,
            "proration_date": self.proration_date,
        }

    def token_for(self, user: User) -> str:
        facts = {**self.facts, "id": str(uuid.uuid4()), "user": user.pk}
        return signing.dumps(facts, salt=SALT, compress=True)


def read_token(token: str, user: User, *, max_age: timedelta | None) -> Facts:
    """Return the facts in the token. Raises ``PreviewOutdated`` if it is forged, too old, or somebody else's."""
    try:
        facts: Facts = signing.loads(token, salt=SALT, max_age=max_age)
    except signing.BadSignature:
        raise PreviewOutdated from None
    if facts.get("user") != user.pk:
        raise PreviewOutdated
    return facts


def quote(
    api: StripeApi, user: User, choice: Choice, subscription: StripeObject, proration_date: int | None = None
) -> Quote:
    """Return what the choice costs now and later. Raises ``BillingError``.

    ``subscription`` is Stripe's answer, and ``proration_date`` that of the preview which this one repeats.
    """
    state = SubscriptionState.read(subscription)
    refuse_unless_changeable(state)
    if state.current_period_end is None:
        raise StripeUnavailable  # its answers always contain the end of the period
    at = proration_date or seconds(datetime.now(UTC))
    if plan_for_change(choice.plan).is_free:
        return ending(choice, subscription, state, at)
    target = resolve(api, user, choice, subscription)
    refuse_same(target, subscription)
    if takes_effect_now(target, subscription):
        return immediate(api, target, subscription, state, at)
    return later(target, subscription, state, at)


def refuse_same(target: Target, subscription: StripeObject) -> None:
    phase = Schedule.read(subscription.inner("schedule")).next_phase
    if target.contents == current_contents(subscription):
        raise NothingToChange
    if phase is not None and target.contents == contents_of(phase.items):
        raise AlreadyScheduled


def immediate(api: StripeApi, target: Target, subscription: StripeObject, state: SubscriptionState, at: int) -> Quote:
    details = {"items": target.update, "proration_behavior": "always_invoice", "proration_date": at}
    invoice = api.preview_invoice(subscription=subscription.id, subscription_details=details)
    preview = Preview.read(invoice)
    if preview.amount_due is None or not preview.currency:
        raise StripeUnavailable
    is_trial = state.status == "trialing"
    price_ids = {item.price.id for item in target.items}
    ends = [line.period_end for line in preview.lines if line.period_end and line.price_id in price_ids]
    return Quote(
        action=SubscriptionChange.Action.CHANGE,
        subscription_id=subscription.id,
        plan=target.plan,
        target=target,
        effective_at=None,
        amount_due=preview.amount_due,
        currency=preview.currency,
        preview=preview,
        next_amount=target.amount(subscription),
        next_charge_at=state.trial_end if is_trial else max(ends, default=state.current_period_end),
        proration_date=at,
        before=fingerprint(subscription),
    )


def later(target: Target, subscription: StripeObject, state: SubscriptionState, at: int) -> Quote:
    """Return the quote of a change at the end of the period. Until then, nothing is charged."""
    return Quote(
        action=SubscriptionChange.Action.SCHEDULE,
        subscription_id=subscription.id,
        plan=target.plan,
        target=target,
        effective_at=state.current_period_end,
        amount_due=0,
        currency=state.currency,
        preview=None,
        next_amount=target.amount(subscription),
        next_charge_at=state.current_period_end,
        proration_date=at,
        before=fingerprint(subscription),
    )


def ending(choice: Choice, subscription: StripeObject, state: SubscriptionState, at: int) -> Quote:
    """Return the quote of the free plan, which begins when the paid one ends."""
    return Quote(
        action=SubscriptionChange.Action.CANCEL,
        subscription_id=subscription.id,
        plan=plan_for_change(choice.plan),
        target=None,
        effective_at=state.trial_end if state.status == "trialing" else state.current_period_end,
        amount_due=0,
        currency=state.currency,
        preview=None,
        next_amount=None,
        next_charge_at=None,
        proration_date=at,
        before=fingerprint(subscription),
    )
