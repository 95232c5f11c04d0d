"""The older of the two shapes that Stripe's objects have: 2025-03-31 moved many fields, and endpoints made before it
still get them where they were.
"""

from billing.payloads.values import inner
from billing.testing import subscriptions
from billing.testing.story import Data, Story

API_VERSIONS = {"new": "2026-10-28.endive", "old": "2025-02-24.acacia"}
NEW_IN_INVOICES = (
    "amount_overpaid", "amount_paid_off_stripe", "customer_account", "parent", "status_details", "total_taxes",
)  # fmt: skip


def in_old_generation(data: Data, story: Story) -> Data:
    """A copy of an object of the newer generation, with its fields where they were before."""
    change = {
        "invoice": old_invoice,
        "subscription": old_subscription,
        "checkout.session": old_session,
        "charge": old_charge,
    }.get(data["object"])
    return change(data, story) if change else data


def old_invoice(data: Data, story: Story) -> Data:
    details = inner(data, "parent", "subscription_details")
    lines = [old_line(line, story) for line in data["lines"]["data"]]
    return {
        **without(data, *NEW_IN_INVOICES),
        "lines": {**data["lines"], "data": lines},
        "charge": story.charge, "paid": data["status"] == "paid", "paid_out_of_band": False,
        "payment_intent": story.payment_intent,
        "subscription": details["subscription"], "subscription_details": {"metadata": details["metadata"]},
        "tax": None, "total_tax_amounts": [],
    }  # fmt: skip


def old_line(line: Data, story: Story) -> Data:
    details = inner(line, "parent", "subscription_item_details")
    return {
        **without(line, "parent", "pricing", "quantity_decimal", "subtotal", "taxes"),
        "plan": subscriptions.plan(story), "price": subscriptions.price(story), "type": "subscription",
        "proration": details["proration"], "proration_details": details["proration_details"],
        "subscription": details["subscription"], "subscription_item": details["subscription_item"],
        "tax_amounts": [],
    }  # fmt: skip


def old_subscription(data: Data, story: Story) -> Data:
    (item,) = data["items"]["data"]
    period = {name: item[name] for name in ("current_period_end", "current_period_start")}
    return {
        **without(data, "billing_mode", "customer_account", "status_details"),
        "items": {**data["items"], "data": [without(item, *period)]},
        **period,
        "discount": None,
    }


def old_session(data: Data, story: Story) -> Data:
    kept = without(data, "collected_information", "customer_account", "presentment_details")
    return {**kept, "ui_mode": "hosted", "shipping_details": None}


def old_charge(data: Data, story: Story) -> Data:
    return {**without(data, "presentment_details"), "invoice": story.invoice}


def without(data: Data, *names: str) -> Data:
    return {name: value for name, value in data.items() if name not in names}
