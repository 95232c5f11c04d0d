"""Subscriptions: https://docs.stripe.com/api/subscriptions/object"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription at the time of one event. Price, amount, and quantity are those of its first item."""

    id: str
    customer: CustomerRef
    status: str
    price_id: str
    unit_amount: int
    currency: str
    interval: str
    quantity: int
    current_period_end: datetime | None
    trial_end: datetime | None
    cancel_at: datetime | None
    ended_at: datetime | None
    end_reason: str

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        # Subscriptions with several items exist. Pages and emails show the first one.
        item = next(data.items("items"), StripeObject({}))
        price = item.inner("price") or item.inner("plan") or data.inner("plan")
        period_end = period_end_of(data)
        return cls(
            id=data.require_id(),
            customer=CustomerRef.marked(data.inner("metadata"), id=customer_id_of(data)),
            status=data.text("status", 32),
            price_id=price.id,
            unit_amount=price.integer("unit_amount") or price.integer("amount"),
            currency=data.currency() or price.currency(),
            interval=price.inner("recurring").text("interval", 16) or price.text("interval", 16),
            quantity=item.integer("quantity") or data.integer("quantity") or 1,
            current_period_end=period_end,
            trial_end=data.moment("trial_end"),
            # Stripe sets cancel_at only if the date was chosen, not for "at the end of the period".
            cancel_at=data.moment("cancel_at") or (period_end if data.is_true("cancel_at_period_end") else None),
            ended_at=data.moment("ended_at"),
            end_reason=data.inner("cancellation_details").text("reason", 64),
        )


def period_end_of(data: StripeObject) -> datetime | None:
    """Return the earliest end among the items, whose periods can differ. Older subscriptions have one of their own."""
    ends = [end for item in data.items("items") if (end := item.moment("current_period_end"))]
    return min(ends, default=data.moment("current_period_end"))
