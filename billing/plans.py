"""What people can buy, from settings/plans.py: plans, add-ons for a plan, and products that are paid once.

The checks in billing/checks.py run at startup, so that everything here may rely on complete settings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.conf import settings

from common.money import format_amount

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PLACEHOLDER = "price_change_me"
# A plan, or a product, with one price may name the price's fields directly.
PRICE_FIELDS = ("amount", "currency", "interval", "interval_count")

AnyOffer = TypeVar("AnyOffer", bound="Offer")


@dataclass(frozen=True, slots=True)
class Price:
    """A price at Stripe. ``amount`` is in minor units and only for display: Stripe charges the amount of its price.

    ``interval`` is ``day``, ``week``, ``month``, or ``year``, and empty for a price that is paid once.
    """

    id: str
    amount: int
    currency: str
    interval: str = ""
    interval_count: int = 1

    @property
    def is_placeholder(self) -> bool:
        """Whether its ID at Stripe still has to be filled in."""
        return self.id.startswith(PLACEHOLDER)

    @property
    def display_amount(self) -> str:
        return format_amount(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Seats:
    """How many people may use a plan that is priced per person. Without a ``maximum``, any number may."""

    minimum: int = 1
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What every entry in settings/plans.py has.

    ``former_price_ids`` are prices that are no longer sold but that some people still pay.
    """

    slug: str
    name: str
    prices: tuple[Price, ...]
    description: "StrOrPromise" = ""
    former_price_ids: tuple[str, ...] = ()

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Self:
        """Return the offer. The entry has a list of prices, or the fields of its only price."""
        fields = {name: value for name, value in entry.items() if name not in ("price_id", *PRICE_FIELDS)}
        fields["prices"] = tuple(Price(**price) for price in prices_in(entry))
        fields["former_price_ids"] = tuple(entry.get("former_price_ids", ()))
        return cls(**fields)

    @property
    def price_ids(self) -> tuple[str, ...]:
        """Current and former prices."""
        return (*(price.id for price in self.prices), *self.former_price_ids)

    @property
    def is_free(self) -> bool:
        return not self.prices

    @property
    def first_price(self) -> Price | None:
        """The price that is shown first."""
        return next(iter(self.prices), None)

    def price(self, price_id: str) -> Price | None:
        """Return one of the current prices."""
        return next((price for price in self.prices if price.id == price_id), None)

    def price_for(self, interval: str, interval_count: int = 1) -> Price | None:
        """Return the current price that is charged this often."""
        wanted = (interval, interval_count)
        return next((price for price in self.prices if (price.interval, price.interval_count) == wanted), None)


@dataclass(frozen=True, slots=True)
class Plan(Offer):
    """A plan. The first price is the one that is offered first; a plan without prices is free.

    ``limits`` are numbers that your own code asks for with ``limit_of()``; None means no limit.
    """

    features: tuple["StrOrPromise", ...] = ()
    limits: Mapping[str, int | None] = field(default_factory=dict)
    is_highlighted: bool = False
    trial_days: int = 0
    trial_requires_card: bool = True
    seats: Seats | None = None

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Self:
        seats = entry.get("seats")
        changes = {"features": tuple(entry.get("features", ())), "seats": Seats(**seats) if seats else None}
        return super(Plan, cls).read({**entry, **changes})


@dataclass(frozen=True, slots=True)
class AddOn(Offer):
    """An extra for a plan. It is charged together with the plan, at its own price for the plan's interval."""


@dataclass(frozen=True, slots=True)
class Product(Offer):
    """Something that is paid once."""


def prices_in(entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the entry's prices, also if it names the fields of its only price."""
    if "price_id" in entry:
        return [{"id": entry["price_id"], **{name: entry[name] for name in PRICE_FIELDS if name in entry}}]
    prices: Sequence[Mapping[str, Any]] = entry.get("prices", ())
    return prices


def all_plans() -> Sequence[Plan]:
    return [Plan.read(entry) for entry in settings.BILLING_PLANS]


def all_add_ons() -> Sequence[AddOn]:
    return [AddOn.read(entry) for entry in settings.BILLING_ADD_ONS]


def all_products() -> Sequence[Product]:
    return [Product.read(entry) for entry in settings.BILLING_PRODUCTS]


def known_price_ids() -> list[str]:
    """Return the current and former prices of all plans, which give access."""
    return [price_id for plan in all_plans() for price_id in plan.price_ids]


def plan_by_slug(slug: str) -> Plan | None:
    return next((plan for plan in all_plans() if plan.slug == slug), None)


def plan_by_price(price_id: str) -> Plan | None:
    return next(having_price(all_plans(), price_id), None)


def free_plan() -> Plan | None:
    """Return the plan of everybody who has no other."""
    return next((plan for plan in all_plans() if plan.is_free), None)


def add_on_by_price(price_id: str) -> AddOn | None:
    return next(having_price(all_add_ons(), price_id), None)


def product_by_price(price_id: str) -> Product | None:
    return next(having_price(all_products(), price_id), None)


def price_by_id(price_id: str) -> Price | None:
    """Return the current price with this ID, of whatever is sold here."""
    offers: list[Offer] = [*all_plans(), *all_add_ons(), *all_products()]
    return next((offer.price(price_id) for offer in having_price(offers, price_id)), None)


def having_price(offers: "Iterable[AnyOffer]", price_id: str) -> "Iterator[AnyOffer]":
    return (offer for offer in offers if price_id and price_id in offer.price_ids)
