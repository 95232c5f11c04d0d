"""What a schedule at Stripe will change, as its events report it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from billing.plans import Plan, plan_by_price, price_by_id
from common.money import format_amount


@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """What a subscription will be from ``at`` on. ``amount`` is None unless the sum of all items is certain."""

    at: datetime
    price_id: str
    quantity: int | None
    interval: str
    interval_count: int | None
    amount: int | None
    currency: str

    @classmethod
    def from_phase(cls, phase: Mapping[str, Any], *, is_sum_certain: bool) -> Self:
        # The phases in events name only the IDs of prices.
        price = price_by_id(phase["price_id"])
        return cls(
            at=datetime.fromisoformat(phase["at"]),
            price_id=phase["price_id"],
            quantity=phase["quantity"],
            interval=phase["interval"] or (price.interval if price else ""),
            interval_count=phase["interval_count"] or (price.interval_count if price else None),
            # A discount or a tax on the subscription will apply to the next phase as well.
            amount=phase["amount"] if is_sum_certain else None,
            currency=phase["currency"],
        )

    @property
    def plan(self) -> Plan | None:
        return plan_by_price(self.price_id)

    @property
    def display_amount(self) -> str:
        return "" if self.amount is None else format_amount(self.amount, self.currency)
