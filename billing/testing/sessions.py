"""Checkout sessions of the newer generation, with the fields that Stripe's documentation shows."""

from typing import Any

from django.conf import settings

from billing.testing.story import ADDRESS, DAY, Data, Story, fresh


def session(story: Story, **values: Any) -> Data:
    mode = "test" if not story.livemode else "live"
    return {
        "id": fresh(f"cs_{mode}"), "object": "checkout.session", "allow_promotion_codes": None,
        "amount_subtotal": story.amount, "amount_total": story.amount,
        "automatic_tax": {"enabled": False, "liability": None, "status": None},
        "cancel_url": f"{settings.APP_URL}/billing", "client_reference_id": story.metadata.get("user_id"),
        "created": story.now - 180, "currency": story.currency, "currency_conversion": None,
        "customer": story.customer, "customer_creation": None,
        "customer_details": {
            "address": ADDRESS, "email": story.email, "name": story.name, "phone": None,
            "tax_exempt": "none", "tax_ids": [],
        },
        "customer_email": None, "expires_at": story.now + DAY, "invoice": None, "livemode": story.livemode,
        "locale": None, "metadata": story.metadata, "mode": "subscription", "payment_intent": None,
        "payment_link": None, "payment_method_collection": "always", "payment_method_types": ["card"],
        "payment_status": "paid", "recovered_from": None, "setup_intent": None, "status": "complete",
        "submit_type": None, "subscription": None,
        "success_url": f"{settings.APP_URL}/billing?session_id={{CHECKOUT_SESSION_ID}}",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page", "url": None, "collected_information": None, "customer_account": None,
        "presentment_details": None,
        **values,
    }  # fmt: skip


def subscription_session(story: Story) -> Data:
    return session(story, subscription=story.subscription, invoice=story.invoice)


def trial_session(story: Story) -> Data:
    """Nothing is due yet, so that no invoice is to be heard of."""
    return session(
        story, subscription=story.subscription, amount_subtotal=0, amount_total=0, payment_status="no_payment_required"
    )


def sale_session(story: Story, payment_status: str = "paid") -> Data:
    """Without a subscription, by a method of which the bank says days later whether it worked."""
    return session(
        story, mode="payment", payment_intent=story.payment_intent, payment_status=payment_status,
        payment_method_collection="if_required", payment_method_types=["card", "sepa_debit"],
    )  # fmt: skip


def expired_session(story: Story) -> Data:
    return session(story, customer_details=None, expires_at=story.now, payment_status="unpaid", status="expired")
