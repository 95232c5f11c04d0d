"""What a person buys at Checkout, and on which terms: https://docs.stripe.com/api/checkout/sessions/create"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings

from accounts.models import User
from billing.errors import UnknownAddOn, UnknownInterval, UnknownPlan, UnknownProduct
from billing.models import Checkout
from billing.plans import (
    AddOn,
    Offer,
    Plan,
    Price,
    add_on_by_slug,
    all_plans,
    all_products,
    plan_by_slug,
    product_by_slug,
)
from billing.seats import check_quantity, smallest_quantity
from billing.services.locales import checkout_locale
from billing.services.trials import trial_days

Parameters = dict[str, Any]

MAX_QUANTITY = 999_999  # Stripe's limit for a quantity that can be adjusted


@dataclass(frozen=True, slots=True)
class Selection:
    """What a person asked for: a plan or a product, by its slug. Empty values mean what is offered first."""

    plan: str = ""
    product: str = ""
    interval: str = ""
    interval_count: int = 1
    quantity: int | None = None
    add_ons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What is sold to the person now. ``parameters`` are the part of Stripe's session that depends on it."""

    plan: str
    product: str
    price_id: str
    parameters: Parameters
    not_set_up: str

    @classmethod
    def of(cls, selection: Selection, user: User) -> Self:
        """Return the order. Raises a ``BillingError`` that names the field if something isn't sold like this."""
        if selection.product:
            return cls._of_product(selection, user)
        return cls._of_plan(selection, user)

    @classmethod
    def _of_plan(cls, selection: Selection, user: User) -> Self:
        plan = plan_for_sale(selection.plan)
        price = price_for_sale(plan, selection)
        quantity = smallest_quantity(plan, user) if selection.quantity is None else selection.quantity
        check_quantity(plan, quantity, user)
        add_ons = [(add_on, add_on_price(add_on, price)) for add_on in map(add_on_for_sale, selection.add_ons)]
        items = [line_item(price, quantity, **adjustable(plan, user))]
        items += [line_item(add_on, 1) for _, add_on in add_ons]
        parameters = {"mode": "subscription", "line_items": items, **trial_terms(plan, user), **general_terms(user)}
        return cls(plan.slug, "", price.id, parameters, not_set_up([(plan, price), *add_ons]))

    @classmethod
    def _of_product(cls, selection: Selection, user: User) -> Self:
        product = product_by_slug(selection.product)
        price = product.first_price if product else None
        if product is None or price is None:
            raise UnknownProduct(product.slug for product in all_products())
        items = [line_item(price, selection.quantity or 1)]
        parameters = {"mode": "payment", "line_items": items, **general_terms(user)}
        return cls("", product.slug, price.id, parameters, not_set_up([(product, price)]))

    def fits(self, checkout: Checkout) -> bool:
        """Return whether the checkout offers exactly this, on the same terms."""
        wanted = (self.plan, self.product, self.parameters)
        return (checkout.plan, checkout.product, checkout.parameters) == wanted


def plan_for_sale(slug: str) -> Plan:
    if (plan := plan_by_slug(slug)) is None or plan.is_free:
        raise UnknownPlan(plan.slug for plan in all_plans() if not plan.is_free)
    return plan


def price_for_sale(plan: Plan, selection: Selection) -> Price:
    price = plan.price_for(selection.interval, selection.interval_count) if selection.interval else plan.first_price
    if price is None:
        raise UnknownInterval
    return price


def add_on_for_sale(slug: str) -> AddOn:
    if (add_on := add_on_by_slug(slug)) is None:
        raise UnknownAddOn
    return add_on


def add_on_price(add_on: AddOn, plan_price: Price) -> Price:
    """Return the add-on's price for the plan's interval and currency. Raises ``UnknownAddOn`` if there is none."""
    if (price := add_on.price_beside(plan_price)) is None:
        raise UnknownAddOn
    return price


def line_item(price: Price, quantity: int, **terms: object) -> Parameters:
    return {"price": price.id, "quantity": quantity, **terms}


def adjustable(plan: Plan, user: User) -> Parameters:
    """Return the terms on which the buyer can change the number of seats on Stripe's page."""
    if plan.seats is None or not settings.BILLING_CHECKOUT["adjustable_quantity"]:
        return {}
    maximum = plan.seats.maximum or MAX_QUANTITY
    return {"adjustable_quantity": {"enabled": True, "minimum": smallest_quantity(plan, user), "maximum": maximum}}


def trial_terms(plan: Plan, user: User) -> Parameters:
    days = trial_days(user, plan)
    if not days:
        return {}
    if plan.trial_requires_card:
        return {"subscription_data": {"trial_period_days": days}}
    at_the_end = {"end_behavior": {"missing_payment_method": plan.trial_without_card}}
    return {
        "subscription_data": {"trial_period_days": days, "trial_settings": at_the_end},
        "payment_method_collection": "if_required",
    }


def general_terms(user: User) -> Parameters:
    """Return what BILLING_CHECKOUT in settings/plans.py sets for every checkout."""
    options: Mapping[str, Any] = settings.BILLING_CHECKOUT
    terms: Parameters = {"locale": checkout_locale(user.language, options["language"])}
    if options["promotion_codes"]:
        terms["allow_promotion_codes"] = True
    if options["automatic_tax"]:
        terms["automatic_tax"] = {"enabled": True}
    if options["tax_ids"]:
        terms["tax_id_collection"] = {"enabled": True}
    if options["billing_address"] != "auto":
        terms["billing_address_collection"] = options["billing_address"]
    return terms | customer_update(options)


def customer_update(options: Mapping[str, Any]) -> Parameters:
    """Return what Stripe may store with the customer, which exists already. Without it, Stripe refuses tax and tax IDs.

    Automatic tax needs an address, and a tax ID an address and the name of the company.
    """
    needs_address = options["automatic_tax"] or options["tax_ids"] or options["billing_address"] == "required"
    changes = {"address": "auto"} if needs_address else {}
    changes |= {"name": "auto"} if options["tax_ids"] else {}
    return {"customer_update": changes} if changes else {}


def not_set_up(sold: Sequence[tuple[Offer, Price]]) -> str:
    """Return the name of the first offer whose price is still a placeholder, or an empty string."""
    return next((offer.name for offer, price in sold if price.is_placeholder), "")
