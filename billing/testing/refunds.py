"""Refunds, charges, and customers, with the fields in Stripe's documentation."""

from typing import Any

from billing.testing.scenario import ADDRESS, DAY, MONTH, Data, Scenario, new_id

# Fields that are the same in all samples.
CUSTOMER: Data = {
    "object": "customer",
    "address": None,
    "balance": 0,
    "default_source": None,
    "delinquent": False,
    "description": None,
    "invoice_prefix": "SAMPLE",
    "invoice_settings": {
        "custom_fields": None,
        "default_payment_method": None,
        "footer": None,
        "rendering_options": None,
    },
    "phone": None,
    "preferred_locales": ["en-US"],
    "shipping": None,
    "tax_exempt": "none",
    "test_clock": None,
}
REFUND: Data = {
    "object": "refund",
    "metadata": {},
    "reason": "requested_by_customer",
    "receipt_number": None,
    "status": "succeeded",
}
CHARGE: Data = {
    "object": "charge",
    "captured": True,
    "disputed": False,
    "failure_code": None,
    "failure_message": None,
    "metadata": {},
    "outcome": {
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
    "paid": True,
    "payment_method_details": {
        "card": {
            "brand": "visa",
            "country": "US",
            "exp_month": 8,
            "exp_year": 2030,
            "funding": "credit",
            "last4": "4242",
            "network": "visa",
            "three_d_secure": None,
            "wallet": None,
        },
        "type": "card",
    },
    "receipt_email": None,
    "receipt_number": None,
    "status": "succeeded",
    "presentment_details": None,
}


def customer(scenario: Scenario) -> Data:
    return {
        **CUSTOMER,
        "id": scenario.customer,
        "created": scenario.now - MONTH,
        "currency": scenario.currency,
        "email": scenario.email,
        "livemode": scenario.livemode,
        "metadata": scenario.metadata,
        "name": scenario.name,
    }


def refund(scenario: Scenario, **values: Any) -> Data:
    """Return a refund that succeeded; ``values`` replace its fields."""
    return {
        **REFUND,
        "id": new_id("re"),
        "amount": scenario.amount,
        "balance_transaction": new_id("txn"),
        "charge": scenario.charge,
        "created": scenario.now,
        "currency": scenario.currency,
        "payment_intent": scenario.payment_intent,
        **values,
    }


def failed_refund(scenario: Scenario) -> Data:
    return refund(scenario, status="failed", failure_reason="expired_or_canceled_card")


def refunded_charge(scenario: Scenario) -> Data:
    """Return a charge after the refund. Its ``amount_refunded`` is the total of all its refunds."""
    refunded = scenario.refunded_before + scenario.amount
    amount = max(refunded, scenario.price.amount)
    return {
        **CHARGE,
        "id": scenario.charge,
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": refunded,
        "balance_transaction": new_id("txn"),
        "billing_details": {"address": ADDRESS, "email": scenario.email, "name": scenario.name, "phone": None},
        "created": scenario.now - DAY,
        "currency": scenario.currency,
        "customer": scenario.customer,
        "description": "Subscription update" if scenario.is_renewal else "Subscription creation",
        "livemode": scenario.livemode,
        "payment_intent": scenario.payment_intent,
        "payment_method": new_id("pm"),
        "receipt_url": f"https://pay.stripe.com/receipts/{scenario.charge}?s=ap",
        "refunded": refunded == amount,
    }


def dispute(scenario: Scenario, status: str = "needs_response") -> Data:
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": scenario.amount,
        "charge": scenario.charge,
        "created": scenario.now,
        "currency": scenario.currency,
        "evidence_details": {
            "due_by": scenario.now + 7 * DAY,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0 if status == "needs_response" else 1,
        },
        "is_charge_refundable": False,
        "livemode": scenario.livemode,
        "metadata": {},
        "payment_intent": scenario.payment_intent,
        "reason": "fraudulent",
        "status": status,
    }


def fraud_warning(scenario: Scenario) -> Data:
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
