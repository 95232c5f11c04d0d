"""The plans that people can buy, from settings/plans.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from common.money import format_amount

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PLACEHOLDER = "price_change_me"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan. ``amount`` is in minor units and only for display: Stripe charges the amount of the price.

    ``former_price_ids`` are prices that are no longer sold but that some people still pay.
    """

    slug: str
    name: str
    price_id: str
    amount: int
    currency: str
    interval: str
    description: "StrOrPromise" = ""
    former_price_ids: tuple[str, ...] = ()

    @property
    def price_ids(self) -> tuple[str, ...]:
        return (self.price_id, *self.former_price_ids)

    @property
    def is_placeholder(self) -> bool:
        """Whether the id of its price at Stripe still has to be filled in."""
        return self.price_id.startswith(PLACEHOLDER)

    @property
    def display_amount(self) -> str:
        return format_amount(self.amount, self.currency)


def all_plans() -> Sequence[Plan]:
    return [Plan(**plan) for plan in settings.BILLING_PLANS]


def known_price_ids() -> list[str]:
    """Return the current and former prices of all plans."""
    return [price_id for plan in all_plans() for price_id in plan.price_ids]


def plan_by_slug(slug: str) -> Plan | None:
    return next((plan for plan in all_plans() if plan.slug == slug), None)


def plan_by_price(price_id: str) -> Plan | None:
    return next((plan for plan in all_plans() if price_id in plan.price_ids), None) if price_id else None
