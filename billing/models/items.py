"""The items of a subscription: its plan, add-ons, and whatever else was added at Stripe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from billing.plans import AddOn, Plan, add_on_by_price, plan_by_price
from common.money import format_amount


@dataclass(frozen=True, slots=True)
class SubscriptionItem:
    """A price and how often it was bought. None means that Stripe didn't say, or that it isn't certain."""

    id: str
    price_id: str
    quantity: int | None
    unit_amount: int | None
    currency: str
    description: str

    @classmethod
    def read(cls, stored: Mapping[str, Any], *, is_certain: bool) -> Self:
        """Return the item from its stored form. Without ``is_certain``, its amount isn't known."""
        return cls(
            id=stored.get("id", ""),
            price_id=stored.get("price_id", ""),
            quantity=stored.get("quantity"),
            unit_amount=stored.get("unit_amount") if is_certain else None,
            currency=stored.get("currency", ""),
            description=stored.get("description", ""),
        )

    @property
    def plan(self) -> Plan | None:
        return plan_by_price(self.price_id)

    @property
    def add_on(self) -> AddOn | None:
        return add_on_by_price(self.price_id)

    @property
    def kind(self) -> str:
        """``plan``, ``add_on``, or ``other`` for a price that isn't in settings/plans.py."""
        return "plan" if self.plan else "add_on" if self.add_on else "other"

    @property
    def slug(self) -> str:
        offer = self.plan or self.add_on
        return offer.slug if offer else ""

    @property
    def name(self) -> str:
        """Our name, else Stripe's description, else the ID of the price."""
        offer = self.plan or self.add_on
        return offer.name if offer else self.description or self.price_id

    @property
    def amount(self) -> int | None:
        if self.unit_amount is None or self.quantity is None:
            return None
        return self.unit_amount * self.quantity

    @property
    def display_amount(self) -> str:
        return "" if self.amount is None else format_amount(self.amount, self.currency)
