"""Money that goes back, and a customer, with the fields that Stripe's documentation shows."""

from typing import Any

from billing.testing.story import ADDRESS, DAY, MONTH, Data, Story, fresh


def customer(story: Story) -> Data:
    return {
        "id": story.customer, "object": "customer", "address": None, "balance": 0, "created": story.now - MONTH,
        "currency": story.currency, "default_source": None, "delinquent": False, "description": None,
        "email": story.email, "invoice_prefix": "SAMPLE",
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None,
        },
        "livemode": story.livemode, "metadata": story.metadata, "name": story.name, "phone": None,
        "preferred_locales": ["en-US"], "shipping": None, "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip


def refund(story: Story, **values: Any) -> Data:
    return {
        "id": fresh("re"), "object": "refund", "amount": story.amount, "balance_transaction": fresh("txn"),
        "charge": story.charge, "created": story.now, "currency": story.currency, "metadata": {},
        "payment_intent": story.payment_intent, "reason": "requested_by_customer", "receipt_number": None,
        "status": "succeeded",
        **values,
    }  # fmt: skip


def failed_refund(story: Story) -> Data:
    return refund(story, status="failed", failure_reason="expired_or_canceled_card")


def refunded_charge(story: Story) -> Data:
    """``amount_refunded`` is a running total."""
    refunded = story.refunded_before + story.amount
    amount = max(refunded, story.plan.amount)
    return {
        "id": story.charge, "object": "charge", "amount": amount, "amount_captured": amount,
        "amount_refunded": refunded, "balance_transaction": fresh("txn"),
        "billing_details": {"address": ADDRESS, "email": story.email, "name": story.name, "phone": None},
        "captured": True, "created": story.now - DAY, "currency": story.currency, "customer": story.customer,
        "description": "Subscription update" if story.is_renewal else "Subscription creation", "disputed": False,
        "failure_code": None, "failure_message": None, "livemode": story.livemode, "metadata": {},
        "outcome": {
            "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
            "seller_message": "Payment complete.", "type": "authorized",
        },
        "paid": True, "payment_intent": story.payment_intent, "payment_method": fresh("pm"),
        "payment_method_details": {
            "card": {
                "brand": "visa", "country": "US", "exp_month": 8, "exp_year": 2030, "funding": "credit",
                "last4": "4242", "network": "visa", "three_d_secure": None, "wallet": None,
            },
            "type": "card",
        },
        "receipt_email": None, "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/{story.charge}?s=ap", "refunded": refunded == amount,
        "status": "succeeded", "presentment_details": None,
    }  # fmt: skip
