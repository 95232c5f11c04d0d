"""What a person wants their subscription to be: from the fields of a request to the items at Stripe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.conf import settings

from accounts.models import User
from billing.errors import CurrencyMismatch, NotChangeable, PlanNotSetUp, UnknownAddOn, UnknownInterval, UnknownPlan
from billing.gateway.api import StripeApi
from billing.payloads import StripeObject
from billing.payloads.prices import Item, sum_of
from billing.plans import AddOn, Plan, Price, add_on_by_price, all_add_ons, all_plans, plan_by_price, plan_by_slug
from billing.seats import check_quantity, smallest_quantity
from billing.services.changes.rules import items_of

DAYS = {"day": Fraction(1), "week": Fraction(7), "month": Fraction(1461, 48), "year": Fraction(1461, 4)}
MAX_ITEMS = 20  # of a subscription


@dataclass(frozen=True, slots=True)
class Choice:
    """The fields of a request. None means that this stays as it is, as far as the plan allows it."""

    plan: str
    interval: str | None = None
    interval_count: int | None = None
    quantity: int | None = None
    add_ons: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class TargetItem:
    """An item as it is to be. ``id`` is that of an existing item, or empty for a new one."""

    id: str
    price: StripeObject
    quantity: int | None
    data: Mapping[str, Any]

    @property
    def item(self) -> Item:
        """The item as Stripe will report it: discounts and taxes of an existing item stay."""
        return Item.read(StripeObject({**self.data, "price": self.price.data, "quantity": self.quantity}))

    @property
    def parameters(self) -> dict[str, Any]:
        """The item in a call. Existing items that stay as they are aren't part of it."""
        values: dict[str, Any] = {"price": self.price.id}
        if self.quantity is not None:
            values["quantity"] = self.quantity
        return {"id": self.id, **values} if self.id else values


@dataclass(frozen=True, slots=True)
class Target:
    """The chosen plan with everything that it takes at Stripe."""

    plan: Plan
    interval: str
    interval_count: int
    quantity: int
    add_ons: tuple[AddOn, ...]
    items: tuple[TargetItem, ...]
    deleted: tuple[str, ...]

    @property
    def update(self) -> list[dict[str, Any]]:
        """The items of the call that changes the subscription."""
        return [
            *(item.parameters for item in self.items),
            *({"id": item_id, "deleted": True} for item_id in self.deleted),
        ]

    @property
    def contents(self) -> list[list[Any]]:
        """Prices and quantities, to compare them with those at Stripe."""
        return contents_of((item.price.id, item.quantity) for item in self.items)

    def amount(self, subscription: StripeObject) -> int | None:
        """Return the sum for each interval in minor units, or None if it isn't certain."""
        return sum_of([item.item for item in self.items], subscription)


def contents_of(items: Iterable[tuple[str, int | None]]) -> list[list[Any]]:
    return sorted(([price_id, quantity] for price_id, quantity in items), key=str)


def current_contents(subscription: StripeObject) -> list[list[Any]]:
    return contents_of((item.ref("price"), item.known_integer("quantity")) for item in items_of(subscription))


def plan_for_change(slug: str) -> Plan:
    if (plan := plan_by_slug(slug)) is None:
        raise UnknownPlan(plan.slug for plan in all_plans())
    return plan


def resolve(api: StripeApi, user: User, choice: Choice, subscription: StripeObject) -> Target:
    """Return the target. Raises ``BillingError`` with the field that is wrong, and asks Stripe only for new prices."""
    plan = plan_for_change(choice.plan)
    items = items_of(subscription)
    current = next((item for item in items if plan_by_price(item.ref("price"))), None)
    if current is None:
        raise NotChangeable
    period = period_for(plan, choice, Item.read(current))
    quantity = quantity_for(plan, choice, current, user)
    add_ons = add_ons_for(choice, items)
    rest = [item for item in items if item is not current]
    bought = [plan_item(api, plan, period, quantity, current, subscription)]
    bought += [add_on_item(api, add_on, period, rest, subscription) for add_on in add_ons]
    kept = [item for item in rest if add_on_by_price(item.ref("price")) is None]
    if len(bought) + len(kept) > MAX_ITEMS or any(period_of(Item.read(item)) != period for item in kept):
        raise NotChangeable  # something that we don't sell would stay behind with another interval
    used = {item.id for item in bought} | {item.id for item in kept}
    bought += [TargetItem(i.id, i.inner("price"), i.known_integer("quantity"), i.data) for i in kept]
    deleted = tuple(item.id for item in items if item.id not in used)
    return Target(plan, *period, quantity, tuple(add_ons), tuple(bought), deleted)


def period_of(item: Item) -> tuple[str, int]:
    return item.interval, item.interval_count or 1


def period_for(plan: Plan, choice: Choice, current: Item) -> tuple[str, int]:
    """Return interval and count: what was chosen, else what is paid now, else the plan's first."""
    is_chosen = choice.interval is not None or choice.interval_count is not None
    interval = choice.interval or current.interval
    count = choice.interval_count or (1 if choice.interval else current.interval_count or 1)
    is_kept = plan_by_price(current.price_id) == plan and (interval, count) == period_of(current)
    if plan.price_for(interval, count) is not None or is_kept:
        return interval, count
    if is_chosen or plan.first_price is None:
        raise UnknownInterval
    return plan.first_price.interval, plan.first_price.interval_count


def quantity_for(plan: Plan, choice: Choice, current: StripeObject, user: User) -> int:
    quantity = choice.quantity
    if quantity is None:
        kept = current.known_integer("quantity") or 1
        quantity = max(kept, smallest_quantity(plan, user)) if plan.seats else 1
        if plan.seats and plan.seats.maximum is not None:
            quantity = min(quantity, plan.seats.maximum)
    check_quantity(plan, quantity, user)
    return quantity


def add_ons_for(choice: Choice, items: Sequence[StripeObject]) -> list[AddOn]:
    """Return the chosen add-ons, each one time, or those that are paid now."""
    if choice.add_ons is None:
        found = {add_on.slug: add_on for item in items if (add_on := add_on_by_price(item.ref("price")))}
        return [*found.values()]
    known = {add_on.slug: add_on for add_on in all_add_ons()}
    if not known.keys() >= set(choice.add_ons):
        raise UnknownAddOn
    return [known[slug] for slug in dict.fromkeys(choice.add_ons)]


def plan_item(
    api: StripeApi,
    plan: Plan,
    period: tuple[str, int],
    quantity: int,
    current: StripeObject,
    subscription: StripeObject,
) -> TargetItem:
    paid = Item.read(current)
    # People who pay a former price of the same plan keep it.
    if plan_by_price(paid.price_id) == plan and period_of(paid) == period:
        return TargetItem(current.id, current.inner("price"), quantity, current.data)
    wanted = plan.price_for(*period)
    if wanted is None:
        raise UnknownInterval
    if wanted.is_placeholder:
        raise PlanNotSetUp(plan.name)
    return TargetItem(current.id, price_at_stripe(api, wanted, subscription), quantity, current.data)


def add_on_item(
    api: StripeApi, add_on: AddOn, period: tuple[str, int], items: Sequence[StripeObject], subscription: StripeObject
) -> TargetItem:
    current = next((item for item in items if add_on_by_price(item.ref("price")) == add_on), StripeObject({}))
    quantity = current.known_integer("quantity") or 1
    if current and period_of(Item.read(current)) == period:
        return TargetItem(current.id, current.inner("price"), quantity, current.data)
    wanted = add_on.price_for(*period)
    if wanted is None:
        raise UnknownAddOn
    if wanted.is_placeholder:
        raise PlanNotSetUp(add_on.name)
    return TargetItem(current.id, price_at_stripe(api, wanted, subscription), quantity, current.data)


def price_at_stripe(api: StripeApi, price: Price, subscription: StripeObject) -> StripeObject:
    """Return Stripe's price in the subscription's currency. Raises ``CurrencyMismatch`` if it has no amount in it."""
    found, currency = api.price(price.id), subscription.currency()
    if currency in ("", found.currency()):
        return found
    option = found.inner("currency_options", currency)
    if not option:
        raise CurrencyMismatch(currency)
    amounts = {name: option.data.get(name) for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount")}
    return StripeObject({**found.data, **amounts, "currency": currency, "currency_options": None})


# When a change takes effect


def takes_effect_now(target: Target, subscription: StripeObject) -> bool:
    """Return whether the change is made immediately, or at the end of the period.

    Nothing has been paid for a trial, so that nothing would be lost. Otherwise, a shorter interval and a lower amount
    wait for the end of what has been paid. Amounts are compared for each day, and a longer interval is compared with
    what the current plan costs in that interval, because a year usually costs less than twelve months.
    """
    if subscription.text("status") == "trialing" or settings.BILLING_DOWNGRADES == "now":
        return True
    before = [Item.read(item) for item in items_of(subscription)]
    after = [item.item for item in target.items]
    current = next(item for item in before if plan_by_price(item.price_id))
    days_before, days_after = days_in(*period_of(current)), days_in(target.interval, target.interval_count)
    if days_after < days_before:
        return False
    old = amount_per_day(before, (target.interval, target.interval_count) if days_after > days_before else None)
    new = amount_per_day(after, None)
    return old is None or new is None or new >= old


def days_in(interval: str, count: int) -> Fraction:
    return DAYS.get(interval, Fraction(1)) * count


def amount_per_day(items: Sequence[Item], period: tuple[str, int] | None) -> Fraction | None:
    """Return what the items cost for each day, or None if that isn't known.

    With ``period``, plans and add-ons count with their price for that period, if they have one.
    """
    total = Fraction(0)
    for item in items:
        offer = plan_by_price(item.price_id) or add_on_by_price(item.price_id)
        price = offer.price_for(*period) if offer and period else None
        amount = price.amount if price else item.unit_amount
        if amount is None or item.quantity is None:
            return None
        days = days_in(price.interval, price.interval_count) if price else days_in(*period_of(item))
        total += Fraction(amount * item.quantity) / days
    return total
