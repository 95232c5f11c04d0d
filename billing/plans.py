"""What can be bought: the list in settings/plans.py, read by everything that shows, sells or checks a plan."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from billing.money import format_amount

PLACEHOLDER = "price_change_me"


@dataclass(frozen=True, slots=True)
class Plan:
    """``amount``: what is shown before Stripe's page, in minor units; what is charged is the price's at Stripe.

    ``former_price_ids``: prices that are no longer sold, of people who keep them.
    """

    slug: str
    name: str
    price_id: str
    amount: int
    currency: str
    interval: str
    description: str = ""
    former_price_ids: tuple[str, ...] = ()

    @property
    def price_ids(self) -> tuple[str, ...]:
        return (self.price_id, *self.former_price_ids)

    @property
    def is_placeholder(self) -> bool:
        """Whether its price at Stripe is still to be filled in."""
        return self.price_id.startswith(PLACEHOLDER)

    @property
    def display_amount(self) -> str:
        return format_amount(self.amount, self.currency)


def all_plans() -> Sequence[Plan]:
    return [Plan(**plan) for plan in settings.BILLING_PLANS]


def plan_by_slug(slug: str) -> Plan | None:
    return next((plan for plan in all_plans() if plan.slug == slug), None)


def plan_by_price(price_id: str) -> Plan | None:
    return next((plan for plan in all_plans() if price_id in plan.price_ids), None) if price_id else None
