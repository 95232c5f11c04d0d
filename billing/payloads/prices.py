"""The prices in a subscription, and the sum that may be named for it.

https://docs.stripe.com/api/prices/object. Items of older events have a plan, the older form of a price.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from billing.payloads.objects import MAX_INTEGER, StripeObject
from billing.plans import plan_by_price


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a subscription: a price and how often it was bought. None means that the event doesn't say.

    ``id`` is that of the item, and ``description`` what Stripe calls the price, if anything. ``unit_amount`` is None
    unless every unit costs the same whole number of minor units.
    """

    price_id: str
    unit_amount: int | None
    currency: str
    interval: str
    interval_count: int | None
    quantity: int | None
    is_adjusted: bool
    id: str = ""
    description: str = ""

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        price = data.inner("price") or data.inner("plan")
        # A plan has at the top what a price has below "recurring".
        period = price.inner("recurring") or price
        return cls(
            price_id=data.ref("price") or data.ref("plan"),
            unit_amount=unit_amount_of(price, period),
            currency=price.currency(),
            interval=period.text("interval", 16),
            interval_count=period.known_integer("interval_count"),
            quantity=data.known_integer("quantity"),
            is_adjusted=is_adjusted(data),
            id=data.id,
            description=description_of(price),
        )


def description_of(price: StripeObject) -> str:
    """Return the price's nickname, else the name of its product if Stripe sent that too. Old plans have a name."""
    names = (price.text("nickname"), price.inner("product").text("name"), price.text("name"))
    return next(filter(None, names), "")


def items_of(subscription: StripeObject) -> Sequence[Item]:
    """Return the subscription's items. The oldest subscriptions have none, and are an item themselves."""
    items = [Item.read(item) for item in subscription.items("items")]
    return items or ([Item.read(subscription)] if subscription.ref("plan") else [])


def plan_item(items: Iterable[Item]) -> Item | None:
    """Return the item that decides about access: the first of a plan of ours, else the first, such as an add-on."""
    items = [*items]
    return next((item for item in items if plan_by_price(item.price_id)), next(iter(items), None))


def sum_of(items: Sequence[Item], subscription: StripeObject) -> int | None:
    """Return what each period costs, in minor units, or None unless the event proves it.

    This is the only place that decides it, for emails, pages, and the API. Discounts, taxes, and usage make the charge
    differ from the prices, and items can have different periods. Then nobody may name a sum.
    """
    is_complete = bool(items) and not subscription.inner("items").is_true("has_more")
    if not is_complete or is_adjusted(subscription) or any(map(is_unknown, items)):
        return None
    currencies = {item.currency for item in items} | ({subscription.currency()} - {""})
    periods = {(item.interval, item.interval_count) for item in items}
    total = sum((item.unit_amount or 0) * (item.quantity or 0) for item in items)
    is_plain = len(currencies) == 1 and len(periods) == 1 and total <= MAX_INTEGER
    return total if is_plain else None


def is_unknown(item: Item) -> bool:
    is_periodic = bool(item.interval) and (item.interval_count or 0) > 0
    amounts = (item.unit_amount, item.quantity)
    return item.is_adjusted or not item.currency or not is_periodic or any(x is None or x < 0 for x in amounts)


def is_adjusted(data: StripeObject) -> bool:
    """Return whether something is subtracted from the prices of a subscription or item, or added to them."""
    # Automatic tax depends on the customer's address, even if the price includes it.
    has_automatic_tax = data.inner("automatic_tax").is_true("enabled")
    has_rates = any(adds_tax(data.data.get(name)) for name in ("default_tax_rates", "tax_rates"))
    return has_automatic_tax or has_rates or any(map(data.data.get, ("discount", "discounts", "tax_percent")))


def adds_tax(rates: object) -> bool:
    """Return whether one of the tax rates is added to the price, or isn't known well enough."""
    rows = rates if isinstance(rates, list) else [rates] if rates else []
    return not all(isinstance(rate, dict) and rate.get("inclusive") is True for rate in rows)


def unit_amount_of(price: StripeObject, period: StripeObject) -> int | None:
    is_tiered = price.text("billing_scheme") not in ("", "per_unit") or price.data.get("tiers")
    is_metered = period.text("usage_type") not in ("", "licensed") or period.data.get("meter")
    is_converted = any(map(price.data.get, ("transform_quantity", "transform_usage", "custom_unit_amount")))
    if is_tiered or is_metered or is_converted:
        return None
    amount = price.known_integer("unit_amount")
    return price.known_integer("amount") if amount is None and "unit_amount" not in price.data else amount
