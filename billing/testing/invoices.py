"""Invoices of the newer generation, with the fields in Stripe's documentation."""

from typing import Any

from django.conf import settings

from billing.testing.scenario import DAY, MONTH, Data, Scenario, new_id
from common.money import format_amount

# Fields that are the same in all samples.
INVOICE: Data = {
    "object": "invoice",
    "account_country": "US",
    "amount_paid": 0,
    "attempt_count": 1,
    "attempted": True,
    "auto_advance": False,
    "collection_method": "charge_automatically",
    "default_payment_method": None,
    "description": None,
    "discounts": [],
    "due_date": None,
    "ending_balance": 0,
    "last_finalization_error": None,
    "metadata": {},
    "next_payment_attempt": None,
    "receipt_number": None,
    "starting_balance": 0,
    "status": "open",
    "amount_overpaid": 0,
    "amount_paid_off_stripe": None,
    "customer_account": None,
    "status_details": None,
    "total_taxes": [],
}
LINE: Data = {
    "object": "line_item",
    "discountable": True,
    "discounts": [],
    "quantity": 1,
    "quantity_decimal": "1",
    "taxes": [],
}


def invoice(scenario: Scenario, **values: Any) -> Data:
    """Return an open invoice; ``values`` replace its fields."""
    amounts = dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "total"), scenario.amount)
    page = f"acct_1Sample/{scenario.invoice}"
    return {
        **INVOICE,
        **amounts,
        "id": scenario.invoice,
        "account_name": settings.BRAND_NAME,
        "billing_reason": "subscription_cycle" if scenario.is_renewal else "subscription_create",
        "created": scenario.now - 2,
        "currency": scenario.currency,
        "customer": scenario.customer,
        "customer_email": scenario.email,
        "customer_name": scenario.name,
        "hosted_invoice_url": f"https://invoice.stripe.com/i/{page}?s=ap",
        "invoice_pdf": f"https://pay.stripe.com/invoice/{page}/pdf?s=ap",
        "lines": lines(scenario),
        "livemode": scenario.livemode,
        "number": f"SAMPLE-{scenario.invoice[-6:].upper()}",
        "parent": parent(scenario),
        "period_end": scenario.now,
        "period_start": scenario.now,
        "status_transitions": status_transitions(scenario, paid_at=None),
        **values,
    }


def paid_invoice(scenario: Scenario) -> Data:
    return invoice(
        scenario,
        amount_paid=scenario.amount,
        amount_remaining=0,
        status="paid",
        status_transitions=status_transitions(scenario, paid_at=scenario.now),
    )


def failed_invoice(scenario: Scenario) -> Data:
    """Return the invoice of a renewal, which Stripe tries to collect again in three days."""
    return invoice(
        scenario, auto_advance=True, billing_reason="subscription_cycle", next_payment_attempt=scenario.now + 3 * DAY
    )


def closed_invoice(scenario: Scenario, *, status: str) -> Data:
    return {**failed_invoice(scenario), "auto_advance": False, "next_payment_attempt": None, "status": status}


def status_transitions(scenario: Scenario, *, paid_at: int | None) -> Data:
    return {
        "finalized_at": scenario.now - 2,
        "marked_uncollectible_at": None,
        "paid_at": paid_at,
        "voided_at": None,
    }


def parent(scenario: Scenario) -> Data:
    return {
        "quote_details": None,
        "type": "subscription_details",
        "subscription_details": {"metadata": scenario.metadata, "subscription": scenario.subscription},
    }


def lines(scenario: Scenario) -> Data:
    url = f"/v1/invoices/{scenario.invoice}/lines"
    return {"object": "list", "data": [line(scenario)], "has_more": False, "total_count": 1, "url": url}


def line(scenario: Scenario) -> Data:
    """Return the invoice's only line: one month of the plan."""
    price = format_amount(scenario.price.amount, scenario.price.currency)
    return {
        **LINE,
        "id": new_id("il"),
        "amount": scenario.amount,
        "currency": scenario.currency,
        "description": f"1 × {scenario.plan.name} (at {price} / {scenario.price.interval})",
        "invoice": scenario.invoice,
        "livemode": scenario.livemode,
        "metadata": scenario.metadata,
        "parent": line_parent(scenario),
        "period": {"end": scenario.now + MONTH, "start": scenario.now},
        "pricing": {
            "price_details": {"price": scenario.price.id, "product": scenario.product},
            "type": "price_details",
            "unit_amount_decimal": str(scenario.amount),
        },
        "subtotal": scenario.amount,
    }


def line_parent(scenario: Scenario) -> Data:
    """Return what newer lines have in place of the fields of older ones."""
    return {
        "invoice_item_details": None,
        "type": "subscription_item_details",
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": scenario.subscription,
            "subscription_item": scenario.item,
        },
    }


def invoice_payment(scenario: Scenario) -> Data:
    """Return the object that links an invoice to the payment intent that paid it."""
    return {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": scenario.amount,
        "amount_requested": scenario.amount,
        "created": scenario.now - 2,
        "currency": scenario.currency,
        "invoice": scenario.invoice,
        "is_default": True,
        "livemode": scenario.livemode,
        "payment": {"payment_intent": scenario.payment_intent, "type": "payment_intent"},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": scenario.now},
    }
