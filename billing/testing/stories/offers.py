"""What people buy in stories: the plans in settings/plans.py, by their position, and a sample add-on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from billing.plans import Plan, all_plans
from billing.testing.scenario import NO_PLAN, Data

WORDS = re.compile(r"(?:(?P<quantity>\d{1,4}) )?(?P<name>first|second|add-on)(?P<yearly> yearly)?")


@dataclass(frozen=True, slots=True)
class Offer:
    """A price and what it is for. ``amount`` is in minor units, for one unit and one interval."""

    name: str
    price_id: str
    amount: int
    currency: str
    interval: str

    @classmethod
    def of_plan(cls, plan: Plan) -> Self:
        return cls(plan.name, plan.price_id, plan.amount, plan.currency, plan.interval)


@dataclass(frozen=True, slots=True)
class Purchase:
    """An offer and how often it was bought, such as ``3 first``: three seats of the first plan."""

    offer: Offer
    quantity: int = 1

    @property
    def amount(self) -> int:
        return self.offer.amount * self.quantity

    @property
    def description(self) -> str:
        return f"{self.quantity} × {self.offer.name}"


def purchase(words: str) -> Purchase:
    """Return what the words stand for: ``first``, ``second``, or ``add-on``, with a number before or ``yearly`` after.

    Raises ``ValueError`` for other words, and if the settings have too few plans.
    """
    found = WORDS.fullmatch(words)
    if found is None:
        raise ValueError(f"{words!r} is not something to buy. Write first, second, 3 first, first yearly, or add-on.")
    offer = add_on() if found["name"] == "add-on" else plan(("first", "second").index(found["name"]))
    return Purchase(yearly(offer) if found["yearly"] else offer, int(found["quantity"] or 1))


def plan(position: int) -> Offer:
    plans: Sequence[Plan] = all_plans() or [NO_PLAN]
    if position >= len(plans):
        raise ValueError("This story needs a second plan in settings/plans.py.")
    return Offer.of_plan(plans[position])


def add_on() -> Offer:
    """Return an offer whose price isn't a plan's, so that it doesn't give access."""
    return replace(plan(0), name="Add-on", price_id="price_sample_addon", amount=500)


def yearly(offer: Offer) -> Offer:
    """Return the offer for a year, at the price of ten months."""
    return replace(offer, interval="year", amount=offer.amount * 10)


def price_fields(offer: Offer) -> Data:
    """Return the fields of a price at Stripe that depend on the offer."""
    return {
        "id": offer.price_id,
        "currency": offer.currency,
        "unit_amount": offer.amount,
        "unit_amount_decimal": str(offer.amount),
    }


def plan_fields(offer: Offer) -> Data:
    """Return the fields of a plan, Stripe's older form of a price, that depend on the offer."""
    return {
        "id": offer.price_id,
        "currency": offer.currency,
        "amount": offer.amount,
        "amount_decimal": str(offer.amount),
        "interval": offer.interval,
    }
