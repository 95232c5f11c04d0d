"""The older generation of Stripe's objects. API version 2025-03-31 moved many fields, and webhook endpoints that were
created before it still receive them in their old places.
"""

from collections.abc import Mapping
from typing import Any

from billing.testing import subscriptions
from billing.testing.scenario import MONTH, Data, Scenario

API_VERSIONS = {"new": "2026-10-28.endive", "old": "2025-02-24.acacia"}
ONLY_IN_NEW_INVOICES = (
    "amount_overpaid",
    "amount_paid_off_stripe",
    "customer_account",
    "parent",
    "status_details",
    "total_taxes",
)


def in_old_generation(data: Data, scenario: Scenario) -> Data:
    """Return a copy of an object of the newer generation, with the fields of the older one."""
    convert = {
        "invoice": old_invoice,
        "subscription": old_subscription,
        "checkout.session": old_session,
        "charge": old_charge,
    }.get(data["object"])
    return convert(data, scenario) if convert else data


def old_invoice(data: Data, scenario: Scenario) -> Data:
    """Return an invoice that names its subscription, payment intent, and charge itself."""
    details = data["parent"]["subscription_details"]
    lines = [old_line(line, scenario) for line in data["lines"]["data"]]
    return {
        **without(data, *ONLY_IN_NEW_INVOICES),
        "lines": {**data["lines"], "data": lines},
        "charge": scenario.charge,
        "paid": data["status"] == "paid",
        "paid_out_of_band": False,
        "payment_intent": scenario.payment_intent,
        "subscription": details["subscription"],
        "subscription_details": {"metadata": details["metadata"]},
        "tax": None,
        "total_tax_amounts": [],
    }


def old_line(line: Data, scenario: Scenario) -> Data:
    """Return an invoice line with a whole plan and price instead of the price's id."""
    details, pricing = line["parent"]["subscription_item_details"], line["pricing"]
    known = {"id": pricing["price_details"]["price"], "currency": line["currency"]}
    amount = pricing["unit_amount_decimal"]
    interval = "year" if line["period"]["end"] - line["period"]["start"] > MONTH else "month"
    price = subscriptions.price(scenario)
    price |= known | {"unit_amount": int(amount), "unit_amount_decimal": amount}
    return {
        **without(line, "parent", "pricing", "quantity_decimal", "subtotal", "taxes"),
        "plan": {
            **subscriptions.plan(scenario),
            **known,
            "amount": int(amount),
            "amount_decimal": amount,
            "interval": interval,
        },
        "price": {**price, "recurring": {**price["recurring"], "interval": interval}},
        "type": "subscription",
        "proration": details["proration"],
        "proration_details": details["proration_details"],
        "subscription": details["subscription"],
        "subscription_item": details["subscription_item"],
        "tax_amounts": [],
    }


def old_subscription(data: Data, scenario: Scenario) -> Data:
    """Return a subscription with a billing period of its own, which newer ones have for each item."""
    items = data["items"]["data"]
    period = {name: items[0][name] for name in ("current_period_end", "current_period_start")}
    return {
        **without(data, "billing_mode", "customer_account", "status_details"),
        "items": {**data["items"], "data": [without(item, *period) for item in items]},
        **period,
        "discount": None,
    }


def old_session(data: Data, scenario: Scenario) -> Data:
    remaining = without(data, "collected_information", "customer_account", "presentment_details")
    return {**remaining, "ui_mode": "hosted", "shipping_details": None}


def old_charge(data: Data, scenario: Scenario) -> Data:
    return {**without(data, "presentment_details"), "invoice": scenario.invoice}


def without(data: Mapping[str, Any], *names: str) -> Data:
    return {name: value for name, value in data.items() if name not in names}
