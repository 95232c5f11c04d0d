"""Cards, warnings about them, and the invoice that is only announced, with the fields in Stripe's documentation."""

from typing import Any

from billing.testing.invoices import invoice
from billing.testing.scenario import ADDRESS, MONTH, Data, Scenario, new_id

CARD: Data = {
    "brand": "visa",
    "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"},
    "country": "US",
    "display_brand": "visa",
    "exp_month": 8,
    "exp_year": 2030,
    "fingerprint": "sample4242",
    "funding": "credit",
    "generated_from": None,
    "last4": "4242",
    "networks": {"available": ["visa"], "preferred": None},
    "three_d_secure_usage": {"supported": True},
    "wallet": None,
}


def payment_method(scenario: Scenario, **values: Any) -> Data:
    """Return a card of the customer: https://docs.stripe.com/api/payment_methods/object"""
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": ADDRESS,
            "email": scenario.email,
            "name": scenario.name,
            "phone": None,
            "tax_id": None,
        },
        "card": CARD,
        "created": scenario.now - MONTH,
        "customer": scenario.customer,
        "livemode": scenario.livemode,
        "metadata": {},
        "type": "card",
        **values,
    }


def old_card(scenario: Scenario) -> Data:
    """Return a card in the form from before payment methods: https://docs.stripe.com/api/cards/object"""
    known = {
        name: CARD[name] for name in ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    }
    return {
        **known,
        "id": new_id("card"),
        "object": "card",
        "customer": scenario.customer,
        "metadata": {},
        "name": scenario.name,
    }


def early_fraud_warning(scenario: Scenario) -> Data:
    """Return what the card's bank reports before a dispute:
    https://docs.stripe.com/api/radar/early_fraud_warnings/object"""
    return {
        "id": new_id("issfr"),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": scenario.charge,
        "created": scenario.now,
        "fraud_type": "unauthorized_use_of_card",
        "livemode": scenario.livemode,
        "payment_intent": scenario.payment_intent,
    }


def upcoming_invoice(scenario: Scenario) -> Data:
    """Return the invoice of ``invoice.upcoming``. It doesn't exist yet, so it has no ID, number, and page."""
    data = invoice(
        scenario,
        attempt_count=0,
        attempted=False,
        billing_reason="upcoming",
        hosted_invoice_url=None,
        invoice_pdf=None,
        number=None,
        status="draft",
    )
    return {name: value for name, value in data.items() if name != "id"}
