"""The calls that make a change at Stripe.

Stripe is asked first, and only the calls that are still missing are made. So an attempt whose response was lost, or
whose process died, does no harm: if Stripe made the change, the next attempt finds it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from billing.errors import PreviewOutdated, StripeRefused, StripeUnavailable, SubscriptionEnded
from billing.gateway.api import StripeApi
from billing.models import SubscriptionChange
from billing.payloads import Schedule, StripeObject, SubscriptionState
from billing.services import subscriptions, versions
from billing.services.changes.rules import fingerprint, refuse_unless_cancelable, refuse_unless_changeable
from billing.services.changes.targets import contents_of, current_contents
from billing.services.customers import NotOurs
from billing.services.stripe_customers import KEY_LIFE
from common.failpoints import failpoint

Step = Callable[[StripeApi], object]


def ask(api: StripeApi, subscription_id: str) -> StripeObject:
    """Return Stripe's answer, and store it. Raises ``SubscriptionEnded`` if Stripe doesn't know the subscription."""
    version = versions.of_api_response(datetime.now(UTC))
    try:
        answer = api.subscription(subscription_id)
    except StripeRefused as error:
        if error.missing:
            raise SubscriptionEnded from None
        raise
    if answer.id != subscription_id:
        raise StripeUnavailable
    with suppress(NotOurs), transaction.atomic():
        subscriptions.record_answer(answer, version)
    return answer


def make(api: StripeApi, change: SubscriptionChange) -> None:
    """Make the calls that are still missing.

    Raises ``PreviewOutdated`` if somebody has changed something else in the meantime, or if Stripe has forgotten the
    key of an earlier attempt.
    """
    answer = ask(api, change.subscription_id)
    state = SubscriptionState.read(answer)
    refuse_unless_cancelable(state)
    if change.action == SubscriptionChange.Action.CHANGE and not is_made(change, answer):
        refuse_unless_changeable(state)
    steps = STEPS[change.action](change, answer, state)
    if steps and SubscriptionChange.objects.filter(pk=change.pk, created_at__lt=Now() - KEY_LIFE).exists():
        raise PreviewOutdated
    for step in steps:
        failpoint("before-change-call")
        step(api)
        failpoint("after-change-call")


def steps_of_change(change: SubscriptionChange, answer: StripeObject, state: SubscriptionState) -> list[Step]:
    """Return the update of the items, and then the end of a schedule, which would undo it at the end of the period."""
    steps: list[Step] = []
    if not is_made(change, answer):
        refuse_if_outdated(change, answer)
        steps.append(
            lambda api: api.update_subscription(
                answer.id,
                key=f"{change.key}-items",
                items=change.parameters["update"],
                proration_behavior="always_invoice",
                proration_date=change.parameters["proration_date"],
                payment_behavior="error_if_incomplete",
            )
        )
    return steps + end_of_schedule(change, answer)


def steps_of_schedule(change: SubscriptionChange, answer: StripeObject, state: SubscriptionState) -> list[Step]:
    schedule = answer.inner("schedule")
    phase = Schedule.read(schedule).next_phase
    if phase is not None and contents_of(phase.items) == change.parameters["wanted"]:
        return []
    refuse_if_outdated(change, answer)
    return [lambda api: set_phases(api, change, schedule)]


def steps_of_cancel(change: SubscriptionChange, answer: StripeObject, state: SubscriptionState) -> list[Step]:
    # Stripe refuses to cancel a subscription with a schedule.
    if state.cancel_at is not None:
        return []
    return [
        *end_of_schedule(change, answer),
        lambda api: api.update_subscription(answer.id, key=f"{change.key}-end", cancel_at_period_end=True),
    ]


def steps_of_resume(change: SubscriptionChange, answer: StripeObject, state: SubscriptionState) -> list[Step]:
    steps = end_of_schedule(change, answer)
    if state.cancel_at is not None:
        # Stripe has two kinds of cancellation, and each is undone with its own parameter.
        at_end = answer.is_true("cancel_at_period_end")
        undo: dict[str, Any] = {"cancel_at_period_end": False} if at_end else {"cancel_at": ""}
        steps.append(lambda api: api.update_subscription(answer.id, key=f"{change.key}-keep", **undo))
    return steps


STEPS: Mapping[str, Callable[[SubscriptionChange, StripeObject, SubscriptionState], list[Step]]] = {
    SubscriptionChange.Action.CHANGE: steps_of_change,
    SubscriptionChange.Action.SCHEDULE: steps_of_schedule,
    SubscriptionChange.Action.CANCEL: steps_of_cancel,
    SubscriptionChange.Action.RESUME: steps_of_resume,
}


def is_made(change: SubscriptionChange, answer: StripeObject) -> bool:
    """Return whether the subscription consists of what was chosen."""
    return bool(current_contents(answer) == change.parameters["wanted"])


def refuse_if_outdated(change: SubscriptionChange, answer: StripeObject) -> None:
    if fingerprint(answer) != change.parameters["before"]:
        raise PreviewOutdated


def end_of_schedule(change: SubscriptionChange, answer: StripeObject) -> list[Step]:
    schedule_id = answer.ref("schedule")
    return [lambda api: api.release_schedule(schedule_id, key=f"{change.key}-release")] if schedule_id else []


def set_phases(api: StripeApi, change: SubscriptionChange, schedule: StripeObject) -> None:
    """Give the subscription a schedule with two phases: what is paid for now, and then what was chosen."""
    if not schedule:
        schedule = api.create_schedule(change.subscription_id, key=f"{change.key}-schedule")
    current = schedule.inner("current_phase")
    start, end = current.known_integer("start_date"), current.known_integer("end_date")
    phase = next((phase for phase in schedule.objects("phases") if phase.known_integer("start_date") == start), None)
    if phase is None or start is None or end is None:
        raise StripeUnavailable
    api.update_schedule(
        schedule.id,
        key=f"{change.key}-phases",
        end_behavior="release",
        proration_behavior="none",
        phases=[
            {"items": items_of_phase(phase), "start_date": start, "end_date": end, **kept_from(phase)},
            {
                "items": change.parameters["items"],
                "duration": change.parameters["duration"],
                "proration_behavior": "none",
                **kept_from(phase),
            },
        ],
    )


def items_of_phase(phase: StripeObject) -> list[dict[str, Any]]:
    """Return the current phase's items as a call takes them, because a call replaces all phases."""
    items = []
    for item in phase.objects("items"):
        values: dict[str, Any] = {"price": item.ref("price")}
        if (quantity := item.known_integer("quantity")) is not None:
            values["quantity"] = quantity
        items.append(values | ids_in(item, ("discounts", "tax_rates")))
    return items


def kept_from(phase: StripeObject) -> dict[str, Any]:
    """Return the discounts and taxes of the current phase, which a new phase wouldn't have on its own."""
    kept = ids_in(phase, ("discounts", "default_tax_rates"))
    if phase.inner("automatic_tax").is_true("enabled"):
        kept["automatic_tax"] = {"enabled": True}
    return kept


def ids_in(data: StripeObject, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the discounts and tax rates among the fields as a call takes them."""
    found: dict[str, Any] = {}
    if "discounts" in names and (discounts := [discount_in(row) for row in data.objects("discounts")]):
        found["discounts"] = discounts
    for name in names:
        rates = data.data.get(name)
        if name != "discounts" and isinstance(rates, list) and rates:
            found[name] = [rate if isinstance(rate, str) else StripeObject(rate).id for rate in rates]
    return found


def discount_in(row: StripeObject) -> dict[str, str]:
    return next(({name: row.ref(name)} for name in ("discount", "promotion_code", "coupon") if row.ref(name)), {})
