"""Every state of billing has words of its own, so that staff can tell it from the others without its color."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing import states
from billing.models import (
    CleanupRequest,
    Comparison,
    Customer,
    Dispute,
    Drift,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from billing.models.disputes import NEEDS_RESPONSE, SETTLED
from billing.models.subscriptions import FINAL, OWING

TABLES = {
    "payment": (states.PAYMENTS, Payment.Status),
    "event": (states.EVENTS, StripeEvent.Status),
    "change": (states.CHANGES, SubscriptionChange.Status),
    "comparison": (states.COMPARISONS, Comparison.Phase),
}
# All states that one list can show.
LISTS = {
    "payments": [
        *states.PAYMENTS.values(),
        states.AWAITS_CONFIRMATION,
        states.DISPUTED,
        states.FRAUD_SUSPECTED,
        states.REFUNDED,
        states.PARTLY_REFUNDED,
    ],
    "subscriptions": [*states.SUBSCRIPTIONS.values(), states.ENDING, states.COLLECTION_PAUSED],
    "disputes": [*states.DISPUTES.values(), states.ANSWERED],
    "events": [*states.EVENTS.values(), states.EVENT_WAITS, states.NO_CHANGE],
    "changes": [*states.CHANGES.values(), states.RETRYING],
    "differences": [states.SUSPECTED, states.DIFFERS, states.AGREES],
    "comparison": [*states.COMPARISONS.values(), states.COMPARISON_FAILS],
    "cleanup": [states.CLEANUP_WAITS, states.RETRYING, states.CLEANUP_DONE],
    "warnings": [states.REFUND_MAY_HELP, states.NOTHING_TO_DO],
    "customers": [
        states.CUSTOMER_LINKED,
        states.CUSTOMER_UNLINKED,
        states.CUSTOMER_DELETED,
        states.CUSTOMER_ERASED,
    ],
}


@pytest.mark.parametrize("name", TABLES)
def test_every_value_has_a_state(name):
    table, values = TABLES[name]
    assert set(table) == set(values)


def test_stripes_statuses_that_the_code_names_have_states():
    assert {*FINAL, *OWING, *states.RUNNING} <= set(states.SUBSCRIPTIONS)
    assert {*SETTLED, *NEEDS_RESPONSE} <= set(states.DISPUTES)


@pytest.mark.parametrize("name", LISTS)
def test_labels_of_a_list_differ(name):
    labels = [str(state.label) for state in LISTS[name]]
    assert len(set(labels)) == len(labels)
    assert not any("_" in label for label in labels)


def test_unknown_status_is_shown_in_stripes_word():
    assert states.subscription_state(Subscription(status="on_hold")).label == "On hold"
    assert states.dispute_state(Dispute(status="")).label == "Unknown"


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (Subscription(status="active", cancel_at=timezone.now() + timedelta(days=1)), states.ENDING),
        (Subscription(status="past_due", is_collection_paused=True), states.SUBSCRIPTIONS["past_due"]),
        (Subscription(status="active", is_collection_paused=True), states.COLLECTION_PAUSED),
        (Dispute(status="needs_response", has_evidence=True), states.ANSWERED),
        (Dispute(status="lost", has_evidence=True), states.DISPUTES["lost"]),
        (StripeEvent(status="received", waits_for="cus_1"), states.EVENT_WAITS),
        (StripeEvent(status="processed", note="It isn't ours."), states.NO_CHANGE),
        (SubscriptionChange(status="pending", failures=1), states.RETRYING),
        (Comparison(failures=1), states.COMPARISON_FAILS),
        (Drift(), states.SUSPECTED),
        (Drift(confirmed_at=timezone.now(), closed_at=timezone.now()), states.AGREES),
        (CleanupRequest(failures=1), states.RETRYING),
        (CleanupRequest(done_at=timezone.now(), failures=1), states.CLEANUP_DONE),
        (Customer(erased_at=timezone.now(), deleted_at=timezone.now()), states.CUSTOMER_ERASED),
        (Customer(user_id=1), states.CUSTOMER_LINKED),
    ],
)
def test_state_follows_from_the_row(row, state):
    functions: dict[type, Any] = {
        Subscription: states.subscription_state,
        Dispute: states.dispute_state,
        StripeEvent: states.event_state,
        SubscriptionChange: states.change_state,
        Comparison: states.comparison_state,
        Drift: states.drift_state,
        CleanupRequest: states.cleanup_state,
        Customer: states.customer_state,
    }
    assert functions[type(row)](row) == state


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"status": "failed", "needs_action": True}, states.AWAITS_CONFIRMATION),
        ({"disputed": "lost"}, states.DISPUTED),
        ({"disputed": "won"}, states.PAYMENTS["paid"]),
        ({"refunded": 100}, states.REFUNDED),
        ({"refunded": 99}, states.PARTLY_REFUNDED),
        ({"warned": True}, states.FRAUD_SUSPECTED),
    ],
)
def test_payment_shows_what_matters_most(values, state):
    payment = Payment(status="paid", amount=100, currency="usd")
    for name, value in {"refunded": 0, "disputed": "", "warned": False, **values}.items():
        setattr(payment, name, value)
    assert states.payment_state(payment) == state
