"""Invoices of the newer generation, with the fields that Stripe's documentation shows."""

from typing import Any

from django.conf import settings

from billing.money import format_amount
from billing.testing.story import DAY, MONTH, Data, Story, fresh


def invoice(story: Story, **values: Any) -> Data:
    link = f"acct_1Sample/{story.invoice}"
    return {
        "id": story.invoice, "object": "invoice", "account_country": "US", "account_name": settings.BRAND_NAME,
        "amount_due": story.amount, "amount_paid": 0, "amount_remaining": story.amount,
        "attempt_count": 1, "attempted": True, "auto_advance": False,
        "billing_reason": "subscription_cycle" if story.is_renewal else "subscription_create",
        "collection_method": "charge_automatically", "created": story.now - 2, "currency": story.currency,
        "customer": story.customer, "customer_email": story.email, "customer_name": story.name,
        "default_payment_method": None, "description": None, "discounts": [], "due_date": None, "ending_balance": 0,
        "hosted_invoice_url": f"https://invoice.stripe.com/i/{link}?s=ap",
        "invoice_pdf": f"https://pay.stripe.com/invoice/{link}/pdf?s=ap", "last_finalization_error": None,
        "lines": {
            "object": "list", "data": [line(story)], "has_more": False, "total_count": 1,
            "url": f"/v1/invoices/{story.invoice}/lines",
        },
        "livemode": story.livemode, "metadata": {}, "next_payment_attempt": None,
        "number": f"SAMPLE-{story.invoice[-6:].upper()}", "period_end": story.now, "period_start": story.now,
        "receipt_number": None, "starting_balance": 0, "status": "open",
        "status_transitions": {
            "finalized_at": story.now - 2, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None,
        },
        "subtotal": story.amount, "total": story.amount, "amount_overpaid": 0, "amount_paid_off_stripe": None,
        "customer_account": None,
        "parent": {
            "quote_details": None, "type": "subscription_details",
            "subscription_details": {"metadata": story.metadata, "subscription": story.subscription},
        },
        "status_details": None, "total_taxes": [],
        **values,
    }  # fmt: skip


def paid_invoice(story: Story) -> Data:
    times = {"finalized_at": story.now - 2, "marked_uncollectible_at": None, "paid_at": story.now, "voided_at": None}
    return invoice(story, amount_paid=story.amount, amount_remaining=0, status="paid", status_transitions=times)


def failed_invoice(story: Story) -> Data:
    """Of a renewal, as most that fail: Stripe tries again in three days."""
    return invoice(
        story, auto_advance=True, billing_reason="subscription_cycle", next_payment_attempt=story.now + 3 * DAY
    )


def line(story: Story) -> Data:
    price = format_amount(story.plan.amount, story.plan.currency)
    return {
        "id": fresh("il"), "object": "line_item", "amount": story.amount, "currency": story.currency,
        "description": f"1 × {story.plan.name} (at {price} / {story.plan.interval})",
        "discountable": True, "discounts": [], "invoice": story.invoice, "livemode": story.livemode,
        "metadata": story.metadata, "period": {"end": story.now + MONTH, "start": story.now}, "quantity": 1,
        "parent": {
            "invoice_item_details": None, "type": "subscription_item_details",
            "subscription_item_details": {
                "invoice_item": None, "proration": False, "proration_details": {"credited_items": None},
                "subscription": story.subscription, "subscription_item": story.item,
            },
        },
        "pricing": {
            "price_details": {"price": story.plan.price_id, "product": story.product},
            "type": "price_details", "unit_amount_decimal": str(story.amount),
        },
        "quantity_decimal": "1", "subtotal": story.amount, "taxes": [],
    }  # fmt: skip


def invoice_payment(story: Story) -> Data:
    return {
        "id": fresh("inpay"), "object": "invoice_payment", "amount_paid": story.amount,
        "amount_requested": story.amount, "created": story.now - 2, "currency": story.currency,
        "invoice": story.invoice, "is_default": True, "livemode": story.livemode,
        "payment": {"payment_intent": story.payment_intent, "type": "payment_intent"}, "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": story.now},
    }  # fmt: skip
