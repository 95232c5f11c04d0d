"""Subscriptions, their schedules, and customers."""

from billing.tests.event_table import Row

ACTIVE = {"subscription.status": "active", "subscription.plan_name": "Pro", "subscription.recurring_amount": 2900}
SHOWN = "updates status, plan, sum, quantity, period, trial, paused collection, and cancellation"
CHANGED, SHOWN_AGAIN = "stores what changes next, and when", "the sum is shown again"

ROWS = {
    "customer.subscription.created": Row(
        "first-payment", SHOWN, after={**ACTIVE, "subscription.status": "incomplete", "subscription.quantity": 1}
    ),
    "customer.subscription.updated": Row(
        "dunning-lost",
        SHOWN,
        nth=2,
        after={"subscription.status": "unpaid", "subscription.gives_access": False},
        emails={"subscription_unpaid": "unpaid:<sub_…>:<in_…>"},
    ),
    "customer.subscription.paused": Row("trial-paused", SHOWN, after={"subscription.status": "paused"}),
    "customer.subscription.resumed": Row("trial-paused", SHOWN, after={"subscription.status": "active"}),
    "customer.subscription.trial_will_end": Row(
        "trial-with-card",
        SHOWN,
        stays={"subscription.status": "trialing"},
        emails={"trial_ending": "trial:<sub_…>:<end>"},
    ),
    "customer.subscription.deleted": Row(
        "trial-without-card",
        "ends the subscription permanently",
        after={"subscription.status": "canceled", "subscription.gives_access": False},
        emails={"subscription_ended": "ended:<sub_…>"},
    ),
    "subscription_schedule.created": Row("downgrade-scheduled", CHANGED, after={"subscription.amount": None}),
    "subscription_schedule.updated": Row("schedule-updated", CHANGED, after={"subscription.amount": None}),
    # Here, the subscription's own event said so first.
    "subscription_schedule.released": Row("downgrade-scheduled", SHOWN_AGAIN, stays={"subscription.amount": 2900}),
    "subscription_schedule.canceled": Row("schedule-canceled", SHOWN_AGAIN, after={"subscription.amount": 2900}),
    "subscription_schedule.completed": Row("schedule-completed", SHOWN_AGAIN, after={"subscription.amount": 2900}),
    "subscription_schedule.aborted": Row("schedule-aborted", SHOWN_AGAIN, after={"subscription.amount": 2900}),
    "customer.updated": Row(
        "address-changed",
        "emails to a buyer without a user account go to the new address",
        after={"customer.email": "new@example.com"},
    ),
    "customer.deleted": Row(
        "customer-deleted", "the next checkout creates a new customer", after={"customer.is_deleted": True}
    ),
}
