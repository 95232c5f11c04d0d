"""Changes of a subscription after the first checkout: preview, change, cancel, resume.

docs/billing.md says when a change takes effect, and which requests are refused.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from billing.errors import AccountDeleted, BillingError, ChangeInProgress, PaymentsNotSetUp, PreviewOutdated
from billing.gateway.api import StripeApi
from billing.models import Subscription, SubscriptionChange
from billing.payloads import StripeObject, SubscriptionState
from billing.plans import add_on_by_price, all_add_ons
from billing.services.changes.execution import carry_out, refusal_of
from billing.services.changes.quotes import TOKEN_LIFE, Facts, Quote, quote, read_token
from billing.services.changes.rules import (
    fingerprint,
    items_of,
    own_subscription,
    refuse_unless_cancelable,
    refuse_unless_changeable,
)
from billing.services.changes.steps import ask
from billing.services.changes.targets import Choice, Target, plan_for_change
from billing.services.reconciliation import LEASE
from common.db import database_now, insert_if_absent
from common.failpoints import failpoint

REPORTED_FOR = timedelta(days=7)


def changeable(*, user: User) -> Subscription:
    """Return the subscription that the user may change, as far as we know. Raises ``BillingError``."""
    if not settings.STRIPE_SECRET_KEY:
        raise PaymentsNotSetUp
    subscription = own_subscription(user)
    refuse_unless_changeable(subscription)
    refuse_during_change(subscription)
    return subscription


def paid_add_ons(*, user: User) -> list[str]:
    """Return the slugs of the add-ons that the user pays for now, as Stripe has them. Raises ``BillingError``."""
    if not all_add_ons():
        return []
    items = items_of(ask(StripeApi(), own_subscription(user).pk))
    return [add_on.slug for item in items if (add_on := add_on_by_price(item.ref("price")))]


def refused_later(*, user: User) -> tuple[SubscriptionChange, str] | None:
    """Return the user's newest change, and why it wasn't made, if that became known only after the request."""
    newest = SubscriptionChange.objects.of(user.pk).filter(created_at__gt=timezone.now() - REPORTED_FOR).first()
    return (newest, refusal_of(newest).message) if newest and newest.was_refused_later else None


def preview(*, user: User, choice: Choice) -> Quote:
    """Return what the choice costs now and later. Nothing is changed. Raises ``BillingError``."""
    plan_for_change(choice.plan)
    subscription = own_subscription(user)
    refuse_during_change(subscription)
    api = StripeApi()
    return quote(api, user, choice, ask(api, subscription.pk))


def change(*, user: User, choice: Choice, token: str) -> SubscriptionChange:
    """Make the change that the token of a preview describes, and return it. Raises ``BillingError``.

    Safe to repeat with the same token: the change is made one time. Raises ``ChangePending`` if Stripe hasn't confirmed
    it; then it is repeated in the background until the outcome is known.
    """
    known = read_token(token, user, max_age=None)
    rows = SubscriptionChange.objects.of(user.pk).filter(pk=known["id"])
    if row := rows.first():
        return finish_known(row)
    try:
        row = store(confirmed(user, choice, token))
    except BillingError:
        # A second click with the same token can have been faster. Then its change is the reason for this refusal.
        row = rows.first()
        if row is None:
            raise
    return finish_known(row)


def confirmed(user: User, choice: Choice, token: str) -> SubscriptionChange:
    """Return the unsaved row of the change, if what the person confirmed is still what it would cost."""
    facts = read_token(token, user, max_age=TOKEN_LIFE)
    plan_for_change(choice.plan)
    subscription = own_subscription(user)
    if subscription.pk != facts["subscription"]:
        raise PreviewOutdated
    refuse_during_change(subscription)
    api = StripeApi()
    answer = ask(api, subscription.pk)
    refuse_unless_changeable(SubscriptionState.read(answer))
    # Stripe refuses the proration date of a period that is over.
    if fingerprint(answer) != facts.get("before"):
        raise PreviewOutdated
    current = quote(api, user, choice, answer, proration_date=facts["proration_date"])
    if any(facts.get(name) != value for name, value in current.facts.items()):
        raise PreviewOutdated
    return row_for(user, current, facts)


def finish_known(row: SubscriptionChange) -> SubscriptionChange:
    """Make the change and return it, or respond to a repeated request as to the first one."""
    if row.status == SubscriptionChange.Status.REFUSED:
        raise refusal_of(row)
    if row.status == SubscriptionChange.Status.PENDING:
        carry_out(StripeApi(), row)
    return row


def row_for(user: User, current: Quote, facts: Facts) -> SubscriptionChange:
    target = current.target
    return SubscriptionChange(
        pk=uuid.UUID(facts["id"]),
        user=user,
        subscription_id=current.subscription_id,
        action=current.action,
        plan=current.plan.slug,
        parameters={"before": current.before} | (parameters_of(target, current) if target else {}),
        amount_due=current.amount_due,
        currency=current.currency,
    )


def parameters_of(target: Target, current: Quote) -> dict[str, object]:
    """Return what the calls need, so that each attempt sends the same."""
    return {
        "wanted": target.contents,
        "update": target.update,
        "items": [{"price": item.price.id, "quantity": item.quantity} for item in target.items],
        "duration": {"interval": target.interval, "interval_count": target.interval_count},
        "proration_date": current.proration_date,
    }


def store(row: SubscriptionChange) -> SubscriptionChange:
    """Insert the row, which is due if this process dies. Returns the stored one.

    Raises ``ChangeInProgress`` if another change of the subscription is pending.
    """
    row.due_at = database_now() + LEASE
    try:
        insert_if_absent([row])
    except IntegrityError:
        # The user was deleted in the meantime.
        if User.objects.filter(pk=row.user_id).exists():
            raise
        raise AccountDeleted from None
    stored = SubscriptionChange.objects.filter(pk=row.pk).first()
    if stored is None:
        raise ChangeInProgress
    failpoint("after-change-row")
    return stored


def cancel(*, user: User) -> None:
    """Have the subscription end with its period. Safe to repeat. Raises ``BillingError``."""
    act(user, SubscriptionChange.Action.CANCEL)


def resume(*, user: User) -> None:
    """Undo the cancellation, or the change that is scheduled for the end of the period. Safe to repeat.

    Raises ``BillingError``.
    """
    act(user, SubscriptionChange.Action.RESUME)


def act(user: User, action: SubscriptionChange.Action) -> None:
    subscription = own_subscription(user)
    pending = subscription.changes.pending().first()
    if pending is None:
        answer = ask(StripeApi(), subscription.pk)
        state = SubscriptionState.read(answer)
        refuse_unless_cancelable(state)
        if is_nothing_to_do(action, state, answer):
            return
        pending = store_or_join(user, subscription, action)
    elif pending.action != action:
        raise ChangeInProgress
    carry_out(StripeApi(), pending)


def is_nothing_to_do(action: SubscriptionChange.Action, state: SubscriptionState, answer: StripeObject) -> bool:
    if action == SubscriptionChange.Action.CANCEL:
        return state.cancel_at is not None
    return state.cancel_at is None and not answer.ref("schedule")


def store_or_join(user: User, subscription: Subscription, action: SubscriptionChange.Action) -> SubscriptionChange:
    """Return the stored row, which another click may have inserted first."""
    try:
        return store(SubscriptionChange(user=user, subscription=subscription, action=action))
    except ChangeInProgress:
        same = subscription.changes.pending().filter(action=action).first()
        if same is None:
            raise
        return same


def refuse_during_change(subscription: Subscription) -> None:
    if subscription.changes.pending().exists():
        raise ChangeInProgress
