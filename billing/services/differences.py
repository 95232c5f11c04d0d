"""What differs between a row and Stripe's answer about it. Decides nothing, and changes nothing."""

from datetime import datetime

from billing.models import Customer, Subscription
from billing.models.subscriptions import FINAL
from billing.payloads import CustomerRef, SubscriptionState
from common.email_addresses import normalize_address

# By field: our value and Stripe's, as text.
Differences = dict[str, list[str]]

SUBSCRIPTION_FIELDS = ("status", "price_id", "quantity", "cancel_at", "current_period_end")
UNKNOWN = "unknown"  # to one of the two


def of_subscription(row: Subscription | None, state: SubscriptionState | None) -> Differences:
    """Return the differences. None stands for a subscription that one of the two doesn't know."""
    if row is None or state is None:
        ours = row.status if row and not row.is_final and row.status != "incomplete" else ""
        theirs = state.status if state and state.status not in FINAL else ""
        return {"status": [ours or UNKNOWN, theirs or UNKNOWN]} if ours or theirs else {}
    if row.is_final and state.status in FINAL:
        return {}  # neither changes any more
    values = {name: (getattr(row, name), getattr(state, name)) for name in SUBSCRIPTION_FIELDS}
    return {name: [as_text(ours), as_text(theirs)] for name, (ours, theirs) in values.items() if ours != theirs}


def of_customer(row: Customer | None, ref: CustomerRef | None) -> Differences:
    """Return the differences. ``ref`` is None if Stripe deleted the customer, or doesn't know it.

    The addresses aren't part of the result, because it is stored for longer than a person's data may be.
    """
    if row is None or row.is_erased or row.deleted_at:
        return {}
    if ref is None:
        return {"customer": ["", UNKNOWN]}
    return {} if is_expected(row, ref) or is_known_change(row, ref) else {"email": []}


def is_expected(row: Customer, ref: CustomerRef) -> bool:
    if row.user is None:
        return ref.email in ("", row.email)  # the last known address of a guest is better than none
    return ref.email == normalize_address(row.user.email)


def is_known_change(row: Customer, ref: CustomerRef) -> bool:
    """Return whether the person, or somebody at Stripe, chose another address there, and an event reported it."""
    return row.email_changed_at is not None and row.email == ref.email


def as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)
