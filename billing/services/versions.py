"""Versions of a subscription's state, which decide which of two reports is newer.

Stripe delivers events in any order, and its clock counts whole seconds, while it often changes a subscription twice in
one second. So a version is a text that sorts first by Stripe's clock, then by a rank, and last by the event's id:

    001793620803.2.evt_1SPb7z

The rank is our guess at the order within a second. The id settles what the guess can't: it has no meaning, but with it
the result doesn't depend on the order in which the events arrive.
"""

from collections.abc import Mapping
from datetime import datetime

# A subscription is created first and deleted last. The end of a trial is announced days ahead, without a change. If
# an update happens in the same second, its state is the one to keep.
RANKS: Mapping[str, int] = {
    "customer.subscription.created": 0,
    "customer.subscription.trial_will_end": 1,
    "customer.subscription.deleted": 3,
    "subscription_schedule.created": 0,
    "subscription_schedule.released": 3,
    "subscription_schedule.canceled": 3,
    "subscription_schedule.completed": 3,
    "subscription_schedule.aborted": 3,
    "charge.dispute.created": 0,
    "payment_method.attached": 0,
    "payment_method.detached": 3,
    "customer.source.created": 0,
    "customer.source.expiring": 1,
    "customer.source.deleted": 3,
    "charge.dispute.closed": 3,
    "radar.early_fraud_warning.created": 0,
}
DEFAULT_RANK = 2
# What Stripe's API returns when we ask is current, so it ranks above all events of the same second.
API_RANK = 9


def of_event(event_type: str, created_at: datetime, event_id: str) -> str:
    return version(created_at, RANKS.get(event_type, DEFAULT_RANK), event_id)


def of_api_response(asked_at: datetime) -> str:
    """Return the version of an answer. A change asks before and after it, often within one second."""
    return version(asked_at, API_RANK, f"{asked_at.microsecond:06d}")


def version(at: datetime, rank: int, event_id: str = "") -> str:
    """Return the version as text. Zeros in front make the seconds sort as text like numbers."""
    return f"{int(at.timestamp()):012d}.{rank}.{event_id}"
