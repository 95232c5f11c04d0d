"""What people buy in stories: the plans in settings/plans.py, by their position, and a sample add-on."""

import re
from dataclasses import dataclass, replace
from typing import Self

from billing.plans import AddOn, Plan, all_add_ons, all_plans
from billing.testing.scenario import NO_PLAN, NO_PRICE, Data

WORDS = re.compile(r"(?:(?P<quantity>\d{1,4}) )?(?P<name>first|second|seats|add-on)(?P<yearly> yearly)?")


@dataclass(frozen=True, slots=True)
class Offer:
    """A price and what it is for. ``amount`` is in minor units, for one unit and one interval."""

    name: str
    price_id: str
    amount: int
    currency: str
    interval: str
    minimum: int = 1

    @classmethod
    def of(cls, offered: Plan | AddOn, interval: str) -> Self:
        """Return the offer at its price for the interval. If there is none, a year costs ten months."""
        price = offered.price_for(interval) or offered.first_price or NO_PRICE
        is_made_up = interval == "year" and price.interval == "month"
        amount = price.amount * 10 if is_made_up else price.amount
        seats = offered.seats if isinstance(offered, Plan) else None
        return cls(offered.name, price.id, amount, price.currency, interval, seats.minimum if seats else 1)


@dataclass(frozen=True, slots=True)
class Purchase:
    """An offer and how often it was bought, such as ``3 seats``."""

    offer: Offer
    quantity: int = 1

    @property
    def amount(self) -> int:
        return self.offer.amount * self.quantity

    @property
    def description(self) -> str:
        return f"{self.quantity} × {self.offer.name}"


def purchase(words: str) -> Purchase:
    """Return what the words stand for: ``first``, ``second``, ``seats``, or ``add-on``, with a number before or
    ``yearly`` after.

    Raises ``ValueError`` for other words, and if the settings have too few plans.
    """
    found = WORDS.fullmatch(words)
    if found is None:
        raise ValueError(f"{words!r} is not something to buy. Write first, second, 3 seats, first yearly, or add-on.")
    interval = "year" if found["yearly"] else "month"
    offer = add_on(interval) if found["name"] == "add-on" else Offer.of(plan(found["name"]), interval)
    return Purchase(offer, int(found["quantity"] or offer.minimum))


def plan(name: str) -> Plan:
    """Return the first or second plan that costs something, or the first that has seats, if one has."""
    plans = [plan for plan in all_plans() if not plan.is_free] or [NO_PLAN]
    if name == "second" and len(plans) < 2:
        raise ValueError("This story needs a second plan in settings/plans.py.")
    if name == "seats":
        return next((plan for plan in plans if plan.seats), plans[0])
    return plans[1 if name == "second" else 0]


def add_on(interval: str) -> Offer:
    """Return the first add-on in the settings, or a sample whose price isn't a plan's."""
    first = next(iter(all_add_ons()), None)
    if first:
        return Offer.of(first, interval)
    return replace(Offer.of(plan("first"), interval), name="Add-on", price_id="price_sample_addon", amount=500)


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
