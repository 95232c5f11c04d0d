"""The states of everything that billing stores, in words and tones: the only place that names them for staff.

Customers read other words (billing/pages/display.py). ``billing/tests/test_states.py`` checks that each table names
every value of its column, and that no two labels are equal.
"""

from collections.abc import Mapping

from billing.models import (
    CleanupRequest,
    Comparison,
    Customer,
    Dispute,
    Drift,
    EarlyFraudWarning,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from billing.models.clock import is_ahead
from common.badges import State, Tone

PAYMENTS: Mapping[str, State] = {
    Payment.Status.PAID: State("Paid", Tone.GOOD),
    Payment.Status.FAILED: State("Failed", Tone.BAD),
    Payment.Status.CANCELED: State("Canceled", Tone.QUIET),
    Payment.Status.UNCOLLECTIBLE: State("Written off", Tone.QUIET),
}
AWAITS_CONFIRMATION = State("Awaits confirmation", Tone.WARNING)
DISPUTED = State("Disputed", Tone.BAD)
FRAUD_SUSPECTED = State("Fraud suspected", Tone.WARNING)
REFUNDED = State("Refunded", Tone.QUIET)
PARTLY_REFUNDED = State("Partly refunded", Tone.QUIET)

# By Stripe's own words: https://docs.stripe.com/api/subscriptions/object#subscription_object-status
SUBSCRIPTIONS: Mapping[str, State] = {
    "active": State("Active", Tone.GOOD),
    "trialing": State("Trial", Tone.GOOD),
    "incomplete": State("Awaits first payment", Tone.BUSY),
    "past_due": State("Payment missing", Tone.BAD),
    "unpaid": State("Unpaid", Tone.BAD),
    "paused": State("Paused", Tone.WARNING),
    "canceled": State("Ended", Tone.QUIET),
    "incomplete_expired": State("Never paid", Tone.QUIET),
}
RUNNING = ("active", "trialing")
ENDING = State("Ending", Tone.WARNING)
COLLECTION_PAUSED = State("Collection paused", Tone.WARNING)

# By Stripe's own words: https://docs.stripe.com/api/disputes/object#dispute_object-status
DISPUTES: Mapping[str, State] = {
    "needs_response": State("Needs a response", Tone.BAD),
    "warning_needs_response": State("Inquiry: needs a response", Tone.BAD),
    "under_review": State("Under review", Tone.BUSY),
    "warning_under_review": State("Inquiry: under review", Tone.BUSY),
    "won": State("Won", Tone.GOOD),
    "lost": State("Lost", Tone.QUIET),
    "warning_closed": State("Inquiry closed", Tone.GOOD),
    "prevented": State("Prevented", Tone.GOOD),
}
ANSWERED = State("Response sent", Tone.BUSY)

EVENTS: Mapping[str, State] = {
    StripeEvent.Status.RECEIVED: State("Received", Tone.BUSY),
    StripeEvent.Status.PROCESSED: State("Processed", Tone.GOOD),
    StripeEvent.Status.FAILED: State("Error in our code", Tone.BAD),
}
EVENT_WAITS = State("Waiting for the customer", Tone.WARNING)
NO_CHANGE = State("Changed nothing", Tone.QUIET)

CHANGES: Mapping[str, State] = {
    SubscriptionChange.Status.PENDING: State("Being processed", Tone.BUSY),
    SubscriptionChange.Status.DONE: State("Done", Tone.GOOD),
    SubscriptionChange.Status.REFUSED: State("Refused", Tone.BAD),
}
RETRYING = State("Retrying", Tone.WARNING)

COMPARISONS: Mapping[str, State] = {
    Comparison.Phase.SUBSCRIPTIONS: State("Comparing subscriptions", Tone.BUSY),
    Comparison.Phase.MISSING_SUBSCRIPTIONS: State("Looking for missing subscriptions", Tone.BUSY),
    Comparison.Phase.CUSTOMERS: State("Comparing customers", Tone.BUSY),
    Comparison.Phase.MISSING_CUSTOMERS: State("Looking for missing customers", Tone.BUSY),
    Comparison.Phase.CONFIRMATION: State("Checking differences again", Tone.BUSY),
}
COMPARISON_FAILS = State("Comparison fails", Tone.BAD)

SUSPECTED = State("Being checked", Tone.BUSY)
DIFFERS = State("Differs", Tone.BAD)
AGREES = State("Agrees again", Tone.GOOD)

CLEANUP_WAITS = State("Waiting", Tone.BUSY)
CLEANUP_DONE = State("Done", Tone.GOOD)

REFUND_MAY_HELP = State("A refund can prevent a dispute", Tone.BAD)
NOTHING_TO_DO = State("For information", Tone.QUIET)

CUSTOMER_LINKED = State("Has an account", Tone.GOOD)
CUSTOMER_UNLINKED = State("Without an account", Tone.QUIET)
CUSTOMER_DELETED = State("Deleted at Stripe", Tone.QUIET)
CUSTOMER_ERASED = State("Erased", Tone.QUIET)


def payment_state(payment: Payment) -> State:
    """Return the state of a payment. Costs a query, unless the payment was read ``with_refunds()``."""
    if payment.is_awaiting_action:
        return AWAITS_CONFIRMATION
    if payment.is_disputed:
        return DISPUTED
    if payment.amount_refunded:
        return REFUNDED if payment.amount_refunded >= payment.amount else PARTLY_REFUNDED
    return FRAUD_SUSPECTED if payment.is_paid and payment.has_fraud_warning else PAYMENTS[payment.status]


def subscription_state(subscription: Subscription) -> State:
    """Return what Stripe reports. A status that we don't know is shown in Stripe's own word."""
    if subscription.status in RUNNING and is_ahead(subscription.cancel_at):
        return ENDING
    if subscription.status in RUNNING and subscription.is_collection_paused:
        return COLLECTION_PAUSED
    return SUBSCRIPTIONS.get(subscription.status) or named_by_stripe(subscription.status)


def dispute_state(dispute: Dispute) -> State:
    """Return what Stripe reports. A status that we don't know is shown in Stripe's own word."""
    found = DISPUTES.get(dispute.status) or named_by_stripe(dispute.status)
    return ANSWERED if found.tone == Tone.BAD and dispute.has_evidence else found


def named_by_stripe(status: str) -> State:
    return State(status.replace("_", " ").capitalize() or "Unknown", Tone.WARNING)


def event_state(event: StripeEvent) -> State:
    if event.status == StripeEvent.Status.RECEIVED and event.waits_for:
        return EVENT_WAITS
    return NO_CHANGE if event.status == StripeEvent.Status.PROCESSED and event.note else EVENTS[event.status]


def change_state(change: SubscriptionChange) -> State:
    is_repeated = change.status == SubscriptionChange.Status.PENDING and change.failures
    return RETRYING if is_repeated else CHANGES[change.status]


def comparison_state(comparison: Comparison) -> State:
    return COMPARISON_FAILS if comparison.failures else COMPARISONS[comparison.phase]


def drift_state(drift: Drift) -> State:
    if drift.closed_at:
        return AGREES
    return DIFFERS if drift.confirmed_at else SUSPECTED


def cleanup_state(cleanup: CleanupRequest) -> State:
    if cleanup.done_at:
        return CLEANUP_DONE
    return RETRYING if cleanup.failures else CLEANUP_WAITS


def warning_state(warning: EarlyFraudWarning) -> State:
    return REFUND_MAY_HELP if warning.is_actionable else NOTHING_TO_DO


def customer_state(customer: Customer) -> State:
    if customer.erased_at:
        return CUSTOMER_ERASED
    if customer.deleted_at:
        return CUSTOMER_DELETED
    return CUSTOMER_LINKED if customer.user_id else CUSTOMER_UNLINKED
