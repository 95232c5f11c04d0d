"""Schedules of a subscription's future prices: https://docs.stripe.com/api/subscription_schedules/object"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject
from billing.payloads.prices import Item, plan_item, sum_of


@dataclass(frozen=True, slots=True)
class Phase:
    """What a subscription will be from ``at`` on.

    Price, quantity, and interval are those of the item with the plan. ``items`` are the prices with their quantities.
    ``amount`` is the sum of all items, or None unless the phase proves it: events contain only the IDs of its prices.
    """

    at: datetime
    price_id: str
    quantity: int | None
    interval: str
    interval_count: int | None
    amount: int | None
    currency: str
    items: Sequence[tuple[str, int | None]]

    @classmethod
    def read(cls, data: StripeObject, at: datetime, currency: str) -> Self:
        items = [Item.read(item) for item in data.objects("items")]
        plan = plan_item(items)
        return cls(
            at=at,
            price_id=plan.price_id if plan else "",
            quantity=plan.quantity if plan else None,
            interval=plan.interval if plan else "",
            interval_count=plan.interval_count if plan else None,
            amount=None if data.data.get("coupon") else sum_of(items, data),
            currency=data.currency() or currency or (plan.currency if plan else ""),
            items=sorted((item.price_id, item.quantity) for item in items),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the values as a database column stores them."""
        return {**asdict(self), "at": self.at.isoformat(), "items": [list(item) for item in self.items]}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule at the time of one event.

    ``next_phase`` is None if there is none, or if it isn't known. ``is_last_phase`` means that the subscription
    certainly stays as it is.
    """

    id: str
    customer: CustomerRef
    subscription: str
    is_active: bool
    next_phase: Phase | None
    is_last_phase: bool

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        return cls(
            id=data.id,
            customer=CustomerRef.marked(data.inner("metadata"), id=customer_id_of(data)),
            subscription=data.ref("subscription") or data.ref("released_subscription"),
            is_active=data.text("status") in ("active", "not_started"),
            next_phase=next_phase_of(data),
            is_last_phase=is_last_phase(data),
        )


def next_phase_of(schedule: StripeObject) -> Phase | None:
    """Return the phase after the current one. Stripe lists all phases, also those that are over, in order."""
    end = schedule.inner("current_phase").moment("end_date")
    for phase in schedule.objects("phases"):
        start = phase.moment("start_date")
        if start and (start >= end if end else start > datetime.now(UTC)):
            return Phase.read(phase, start, schedule.currency())
    return None


def is_last_phase(schedule: StripeObject) -> bool:
    """Return whether the schedule's current phase is its last one, and the subscription continues after it."""
    start = schedule.inner("current_phase").moment("start_date")
    starts = [phase.moment("start_date") for phase in schedule.objects("phases")]
    return bool(starts) and start is not None and starts[-1] == start and schedule.text("end_behavior") == "release"
