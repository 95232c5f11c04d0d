"""Subscriptions: https://docs.stripe.com/api/subscriptions/object"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject
from billing.payloads.prices import Item, items_of, plan_item, sum_of


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription at the time of one event.

    Price, quantity, and interval are those of the item with the plan, and ``items`` are all of them.
    ``recurring_amount`` is their sum, or None if the event doesn't prove it.
    """

    id: str
    customer: CustomerRef
    status: str
    items: tuple[Item, ...]
    price_id: str
    recurring_amount: int | None
    currency: str
    interval: str
    interval_count: int | None
    quantity: int | None
    current_period_start: datetime | None
    current_period_end: datetime | None
    trial_end: datetime | None
    without_card: str
    cancel_at: datetime | None
    is_collection_paused: bool
    collection_resumes_at: datetime | None
    schedule_id: str
    latest_invoice: str
    payment_method: str
    ended_at: datetime | None
    end_reason: str

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        items = items_of(data)
        plan = plan_item(items)
        period_end = period_end_of(data)
        pause = data.inner("pause_collection")
        return cls(
            id=data.require_id(),
            customer=CustomerRef.marked(data.inner("metadata"), id=customer_id_of(data)),
            status=data.text("status", 32),
            items=tuple(items),
            price_id=plan.price_id if plan else "",
            recurring_amount=sum_of(items, data),
            currency=data.currency() or (plan.currency if plan else ""),
            interval=plan.interval if plan else "",
            interval_count=plan.interval_count if plan else None,
            quantity=plan.quantity if plan else None,
            current_period_start=period_start_of(data),
            current_period_end=period_end,
            trial_end=data.moment("trial_end"),
            without_card=without_card(data),
            # Stripe sets cancel_at only if the date was chosen, not for "at the end of the period".
            cancel_at=data.moment("cancel_at") or (period_end if data.is_true("cancel_at_period_end") else None),
            is_collection_paused=bool(pause),
            collection_resumes_at=pause.moment("resumes_at"),
            schedule_id=data.ref("schedule"),
            latest_invoice=data.ref("latest_invoice"),
            payment_method=payment_method_of(data),
            ended_at=data.moment("ended_at"),
            end_reason=data.inner("cancellation_details").text("reason", 64),
        )


def period_end_of(data: StripeObject) -> datetime | None:
    """Return the earliest end among the items, whose periods can differ. Older subscriptions have one of their own."""
    ends = [end for item in data.items("items") if (end := item.moment("current_period_end"))]
    return min(ends, default=data.moment("current_period_end"))


def period_start_of(data: StripeObject) -> datetime | None:
    """Return the newest start among the items: the renewal that was charged last."""
    starts = [start for item in data.items("items") if (start := item.moment("current_period_start"))]
    return max(starts, default=data.moment("current_period_start"))


def payment_method_of(data: StripeObject) -> str:
    """Return the ID of what the subscription charges, or an empty string if that is the customer's default."""
    return data.ref("default_payment_method") or data.ref("default_source")


def without_card(data: StripeObject) -> str:
    """Return what the end of the trial does if the customer has no card: ``cancel``, ``pause``, or an empty string.

    It is empty as well if the subscription names a payment method. If it names none, the customer may have a default.
    """
    action = data.inner("trial_settings", "end_behavior").text("missing_payment_method")
    return action if action in ("cancel", "pause") and not payment_method_of(data) else ""
