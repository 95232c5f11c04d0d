"""Subscriptions of the newer generation, with the fields in Stripe's documentation."""

from typing import Any

from billing.testing.scenario import DAY, MONTH, Data, Scenario, new_id

# Fields that are the same in all samples.
SUBSCRIPTION: Data = {
    "object": "subscription",
    "application": None,
    "cancel_at": None,
    "cancel_at_period_end": False,
    "canceled_at": None,
    "cancellation_details": {"comment": None, "feedback": None, "reason": None},
    "collection_method": "charge_automatically",
    "days_until_due": None,
    "ended_at": None,
    "pause_collection": None,
    "pending_update": None,
    "schedule": None,
    "status": "active",
    "test_clock": None,
    "trial_end": None,
    "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    "trial_start": None,
    "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": None},
    "customer_account": None,
    "status_details": None,
}
PLAN: Data = {
    "object": "plan",
    "active": True,
    "billing_scheme": "per_unit",
    "interval_count": 1,
    "metadata": {},
    "nickname": None,
    "usage_type": "licensed",
}
PRICE: Data = {
    "object": "price",
    "active": True,
    "billing_scheme": "per_unit",
    "metadata": {},
    "nickname": None,
    "tax_behavior": "exclusive",
    "type": "recurring",
}


def subscription(scenario: Scenario, **values: Any) -> Data:
    """Return an active subscription; ``values`` replace its fields."""
    items_url = f"/v1/subscription_items?subscription={scenario.subscription}"
    return {
        **SUBSCRIPTION,
        "id": scenario.subscription,
        "billing_cycle_anchor": scenario.now,
        "created": scenario.now,
        "currency": scenario.currency,
        "customer": scenario.customer,
        "default_payment_method": new_id("pm"),
        "items": {"object": "list", "data": [item(scenario)], "has_more": False, "total_count": 1, "url": items_url},
        "latest_invoice": scenario.invoice,
        "livemode": scenario.livemode,
        "metadata": scenario.metadata,
        "start_date": scenario.now,
        **values,
    }


def trial(scenario: Scenario) -> Data:
    """Return a trial that ends in three days, which is when Stripe sends trial_will_end."""
    return subscription(
        scenario, status="trialing", trial_start=scenario.now - 11 * DAY, trial_end=scenario.now + 3 * DAY
    )


def schedule(scenario: Scenario, status: str = "active") -> Data:
    """Return a schedule that changes the quantity at the end of the period."""
    is_active = status == "active"
    phases = [
        {
            "start_date": scenario.now + number * MONTH,
            "end_date": scenario.now + (number + 1) * MONTH,
            "items": [{"price": scenario.price.id, "quantity": number + 1}],
        }
        for number in range(2)
    ]
    return {
        "id": new_id("sub_sched"),
        "object": "subscription_schedule",
        "created": scenario.now,
        "customer": scenario.customer,
        "end_behavior": "release",
        "livemode": scenario.livemode,
        "metadata": scenario.metadata,
        "phases": phases,
        "released_subscription": None if is_active else scenario.subscription,
        "status": status,
        "subscription": scenario.subscription if is_active else None,
    }


def ended_subscription(scenario: Scenario) -> Data:
    return subscription(
        scenario,
        status="canceled",
        canceled_at=scenario.now,
        ended_at=scenario.now,
        cancellation_details={"comment": None, "feedback": None, "reason": "cancellation_requested"},
    )


def item(scenario: Scenario) -> Data:
    """Return the subscription's only item, which has the billing period of newer subscriptions."""
    return {
        "id": scenario.item,
        "object": "subscription_item",
        "created": scenario.now,
        "discounts": [],
        "metadata": {},
        "plan": plan(scenario),
        "price": price(scenario),
        "quantity": 1,
        "subscription": scenario.subscription,
        "tax_rates": [],
        "current_period_end": scenario.now + MONTH,
        "current_period_start": scenario.now,
    }


def plan(scenario: Scenario) -> Data:
    """Return the plan, Stripe's older form of a price, which subscription items still contain."""
    return {
        **PLAN,
        "id": scenario.price.id,
        "amount": scenario.amount,
        "amount_decimal": str(scenario.amount),
        "created": scenario.now - MONTH,
        "currency": scenario.currency,
        "interval": scenario.price.interval,
        "livemode": scenario.livemode,
        "product": scenario.product,
    }


def price(scenario: Scenario) -> Data:
    """Return the price at Stripe that belongs to the scenario's plan."""
    return {
        **PRICE,
        "id": scenario.price.id,
        "created": scenario.now - MONTH,
        "currency": scenario.currency,
        "livemode": scenario.livemode,
        "lookup_key": scenario.plan.slug,
        "product": scenario.product,
        "recurring": {
            "interval": scenario.price.interval,
            "interval_count": 1,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "unit_amount": scenario.amount,
        "unit_amount_decimal": str(scenario.amount),
    }
