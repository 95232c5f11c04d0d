"""Subscriptions of the newer generation, with the fields that Stripe's documentation shows."""

from typing import Any

from billing.testing.story import DAY, MONTH, Data, Story, fresh


def subscription(story: Story, **values: Any) -> Data:
    return {
        "id": story.subscription, "object": "subscription", "application": None,
        "billing_cycle_anchor": story.now, "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically", "created": story.now, "currency": story.currency,
        "customer": story.customer, "days_until_due": None, "default_payment_method": fresh("pm"), "ended_at": None,
        "items": {
            "object": "list", "data": [item(story)], "has_more": False, "total_count": 1,
            "url": f"/v1/subscription_items?subscription={story.subscription}",
        },
        "latest_invoice": story.invoice, "livemode": story.livemode, "metadata": story.metadata,
        "pause_collection": None, "pending_update": None, "schedule": None, "start_date": story.now,
        "status": "active", "test_clock": None, "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}}, "trial_start": None,
        "billing_mode": {
            "flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": None,
        },
        "customer_account": None, "status_details": None,
        **values,
    }  # fmt: skip


def trial(story: Story) -> Data:
    """It ends in three days, of which Stripe tells just then."""
    return subscription(story, status="trialing", trial_start=story.now - 11 * DAY, trial_end=story.now + 3 * DAY)


def ended_subscription(story: Story) -> Data:
    why = {"comment": None, "feedback": None, "reason": "cancellation_requested"}
    return subscription(
        story, status="canceled", canceled_at=story.now, ended_at=story.now, cancellation_details=why
    )  # fmt: skip


def item(story: Story) -> Data:
    return {
        "id": story.item, "object": "subscription_item", "created": story.now, "discounts": [], "metadata": {},
        "plan": plan(story), "price": price(story), "quantity": 1, "subscription": story.subscription,
        "tax_rates": [], "current_period_end": story.now + MONTH, "current_period_start": story.now,
    }  # fmt: skip


def plan(story: Story) -> Data:
    return {
        "id": story.plan.price_id, "object": "plan", "active": True, "amount": story.amount,
        "amount_decimal": str(story.amount), "billing_scheme": "per_unit", "created": story.now - MONTH,
        "currency": story.currency, "interval": story.plan.interval, "interval_count": 1, "livemode": story.livemode,
        "metadata": {}, "nickname": None, "product": story.product, "usage_type": "licensed",
    }  # fmt: skip


def price(story: Story) -> Data:
    return {
        "id": story.plan.price_id, "object": "price", "active": True, "billing_scheme": "per_unit",
        "created": story.now - MONTH, "currency": story.currency, "livemode": story.livemode,
        "lookup_key": story.plan.slug, "metadata": {}, "nickname": None, "product": story.product,
        "recurring": {
            "interval": story.plan.interval, "interval_count": 1, "meter": None, "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": "exclusive", "type": "recurring", "unit_amount": story.amount,
        "unit_amount_decimal": str(story.amount),
    }  # fmt: skip
