"""Checkout sessions of the newer generation, with the fields in Stripe's documentation."""

from typing import Any

from django.conf import settings

from billing.testing.scenario import ADDRESS, DAY, Data, Scenario, new_id

# Fields that are the same in all samples.
SESSION: Data = {
    "object": "checkout.session",
    "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "status": None},
    "currency_conversion": None,
    "customer_creation": None,
    "customer_email": None,
    "invoice": None,
    "locale": None,
    "mode": "subscription",
    "payment_intent": None,
    "payment_link": None,
    "payment_method_collection": "always",
    "payment_method_types": ["card"],
    "payment_status": "paid",
    "recovered_from": None,
    "setup_intent": None,
    "status": "complete",
    "submit_type": None,
    "subscription": None,
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted_page",
    "url": None,
    "collected_information": None,
    "customer_account": None,
    "presentment_details": None,
}


def session(scenario: Scenario, **values: Any) -> Data:
    """Return a completed session; ``values`` replace its fields."""
    mode = "live" if scenario.livemode else "test"
    return {
        **SESSION,
        "id": new_id(f"cs_{mode}"),
        "amount_subtotal": scenario.amount,
        "amount_total": scenario.amount,
        "cancel_url": f"{settings.APP_URL}/billing",
        "client_reference_id": scenario.metadata.get("user_id"),
        "created": scenario.now - 180,
        "currency": scenario.currency,
        "customer": scenario.customer,
        "customer_details": {
            "address": ADDRESS,
            "email": scenario.email,
            "name": scenario.name,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "expires_at": scenario.now + DAY,
        "livemode": scenario.livemode,
        "metadata": scenario.metadata,
        "success_url": f"{settings.APP_URL}/billing?session_id={{CHECKOUT_SESSION_ID}}",
        **values,
    }


def subscription_session(scenario: Scenario) -> Data:
    return session(scenario, subscription=scenario.subscription, invoice=scenario.invoice)


def trial_session(scenario: Scenario) -> Data:
    """Return the session that starts a trial. Nothing is due yet, so it has no invoice."""
    return session(
        scenario,
        subscription=scenario.subscription,
        amount_subtotal=0,
        amount_total=0,
        payment_status="no_payment_required",
    )


def sale_session(scenario: Scenario, payment_status: str = "paid") -> Data:
    """Return a one-time purchase with a delayed payment method: its result is known days later."""
    return session(
        scenario,
        mode="payment",
        payment_intent=scenario.payment_intent,
        payment_status=payment_status,
        payment_method_collection="if_required",
        payment_method_types=["card", "sepa_debit"],
    )


def expired_session(scenario: Scenario) -> Data:
    return session(scenario, customer_details=None, expires_at=scenario.now, payment_status="unpaid", status="expired")
