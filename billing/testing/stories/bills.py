"""The invoices of a story: their lines, and what a payment, a failure, and a correction change."""

from collections.abc import Sequence

from billing.testing import invoices
from billing.testing.scenario import Data, Scenario, new_id
from billing.testing.stories.offers import Purchase
from billing.testing.stories.times import SECONDS
from common.money import format_amount

DAYS_BETWEEN_ATTEMPTS = 3


def described(
    invoice: Data, items: Sequence[Purchase], scenario: Scenario, *, instead_of: Purchase | None, is_trial: bool
) -> Data:
    """Return the new invoice with a line for each item, and their sum.

    With ``instead_of``, half of the period is left after a change: what was paid for it before is credited, and what
    the items cost is charged. A trial costs nothing.
    """
    if instead_of:
        lines = [line(-instead_of.amount // 2, unused(instead_of), instead_of, scenario, is_change=True)]
        # A period of another length begins immediately, so it is charged in full.
        lines += [
            line(item.amount // 2, remaining(item), item, scenario, is_change=True)
            if item.offer.interval == instead_of.offer.interval
            else line(item.amount, full(item), item, scenario)
            for item in items
        ]
    elif is_trial:
        lines = [line(0, f"Trial period for {item.offer.name}", item, scenario) for item in items]
    else:
        lines = [line(item.amount, full(item), item, scenario) for item in items]
    total = sum(line["amount"] for line in lines)
    reason = {"billing_reason": "subscription_update"} if instead_of else {}
    amounts = dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "total"), total)
    rows = {**invoice["lines"], "data": lines, "total_count": len(lines)}
    currency = items[0].offer.currency
    return {**invoice, **amounts, **reason, "lines": rows, "currency": currency}


def full(item: Purchase) -> str:
    offer = item.offer
    return f"{item.description} (at {format_amount(offer.amount, offer.currency)} / {offer.interval})"


def unused(item: Purchase) -> str:
    return f"Unused time on {item.description}"


def remaining(item: Purchase) -> str:
    return f"Remaining time on {item.description}"


def line(amount: int, description: str, item: Purchase, scenario: Scenario, *, is_change: bool = False) -> Data:
    data = invoices.line(scenario)
    details = data["parent"]["subscription_item_details"] | {"proration": is_change}
    price = {**data["pricing"]["price_details"], "price": item.offer.price_id}
    return {
        **data,
        "id": new_id("il"),
        "amount": amount,
        "subtotal": amount,
        "currency": item.offer.currency,
        "description": description,
        "quantity": item.quantity,
        "quantity_decimal": str(item.quantity),
        "parent": {**data["parent"], "subscription_item_details": details},
        "period": {"start": scenario.now, "end": scenario.now + SECONDS[item.offer.interval]},
        "pricing": {**data["pricing"], "price_details": price, "unit_amount_decimal": str(item.offer.amount)},
    }


def paid(invoice: Data, scenario: Scenario) -> Data:
    return {
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "attempted": True,
        "attempt_count": max(invoice["attempt_count"], 1),
        "auto_advance": False,
        "next_payment_attempt": None,
        "status": "paid",
        "status_transitions": {"paid_at": scenario.now},
    }


def failed(invoice: Data, scenario: Scenario) -> Data:
    """Return the changes after one more attempt. Stripe makes the next one in three days."""
    return {
        "attempted": True,
        "attempt_count": invoice["attempt_count"] + 1,
        "auto_advance": True,
        "next_payment_attempt": scenario.now + DAYS_BETWEEN_ATTEMPTS * SECONDS["day"],
        "status": "open",
    }


def closed(status: str) -> Data:
    """Return the changes after an invoice was canceled or written off."""
    return {"auto_advance": False, "next_payment_attempt": None, "status": status}
