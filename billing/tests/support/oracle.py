"""What may be said to a customer, and what must be, worked out from the events alone, in the order they arrived.

This is a second opinion on billing/services: it shares no code with it and reads the raw events of both generations.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

Event = dict[str, Any]

PAID = ("invoice.paid", "invoice.payment_succeeded")
FAILED = ("invoice.payment_failed", "invoice.payment_action_required")
CLOSED = ("invoice.voided", "invoice.marked_uncollectible")
ENDED = ("canceled", "incomplete_expired")
UNDONE = ("failed", "canceled")
RANKS = {"customer.subscription.created": 0, "customer.subscription.trial_will_end": 1}


def thing(event: Event) -> dict[str, Any]:
    data: dict[str, Any] = event["data"]["object"]
    return data


def about(events: Iterable[Event], types: Sequence[str], object_id: str) -> list[Event]:
    return [event for event in events if event["type"] in types and thing(event).get("id") == object_id]


def subscription_of(invoice: dict[str, Any]) -> str:
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    return str(details.get("subscription") or invoice.get("subscription") or "")


def newest(events: Iterable[Event], subscription_id: str) -> Event | None:
    """Return the event with the newest known state of the subscription. An end is never followed by anything."""
    found = [
        event
        for event in events
        if event["type"].startswith("customer.subscription.") and thing(event)["id"] == subscription_id
    ]

    def version(event: Event) -> tuple[bool, int, int]:
        return thing(event)["status"] in ENDED, event["created"], RANKS.get(event["type"], 2)

    return max(found, key=version, default=None)


# What may be said


def objection(key: str, seen: Sequence[Event]) -> str:
    """Return why the email with this key must not be sent after these events, or an empty string if it may."""
    kind, _, rest = key.partition(":")
    check = CHECKS.get(kind)
    return check(rest, seen) if check else f"nobody knows emails of the kind {kind}"


def receipt_objection(object_id: str, seen: Sequence[Event]) -> str:
    invoices = [thing(event)["amount_paid"] for event in about(seen, PAID, object_id)]
    sales = [event for event in seen if is_paid_sale(event) and thing(event)["id"] == object_id]
    return "" if any(invoices) or sales else "nothing was paid"


def is_paid_sale(event: Event) -> bool:
    data = thing(event)
    return bool(
        data["object"] == "checkout.session"
        and data["mode"] == "payment"
        and data["payment_status"] == "paid"
        and not data["invoice"]
        and data["amount_total"] > 0
    )


def failed_sale_objection(session_id: str, seen: Sequence[Event]) -> str:
    if any(is_paid_sale(event) and thing(event)["id"] == session_id for event in seen):
        return "it was paid"
    return "" if about(seen, ["checkout.session.async_payment_failed"], session_id) else "it has not failed"


def dunning_objection(rest: str, seen: Sequence[Event]) -> str:
    invoice_id, _, attempt = rest.rpartition(":")
    failures = about(seen, FAILED, invoice_id)
    reports = [event for event in failures if thing(event)["attempt_count"] == int(attempt)]
    if not reports:
        return "it has not failed"
    if about(seen, PAID, invoice_id) or about(seen, CLOSED, invoice_id):
        return "it was settled"
    if any(thing(event)["attempt_count"] > int(attempt) for event in failures):
        return "a later attempt is known"
    state = newest(seen, subscription_of(thing(reports[0])))
    if state and thing(state)["status"] in ENDED:
        return "the subscription has ended"
    if state and thing(state)["status"] == "unpaid":
        return "another email says that the subscription is on hold"
    at = max(event["created"] for event in reports)
    is_first = thing(reports[0])["billing_reason"] == "subscription_create"
    if state and thing(state)["status"] == "active" and state["created"] > at:
        return "the subscription is active again"
    has_begun = state is not None and thing(state)["status"] != "incomplete"
    return first_invoice_objection(thing(reports[0]), seen, has_begun=has_begun) if is_first else ""


def first_invoice_objection(invoice: dict[str, Any], seen: Sequence[Event], *, has_begun: bool) -> str:
    sessions = [
        thing(event)["payment_status"]
        for event in seen
        if event["type"].startswith("checkout.session.") and thing(event)["subscription"] == subscription_of(invoice)
    ]
    if any(status != "unpaid" for status in sessions):
        return "the first payment has arrived"
    return "" if sessions or has_begun else "the buyer is still at the checkout page"


def trial_objection(rest: str, seen: Sequence[Event]) -> str:
    subscription_id, _, end = rest.rpartition(":")
    state = newest(seen, subscription_id)
    if state is None or thing(state)["status"] != "trialing" or thing(state)["trial_end"] != int(end):
        return "the newest known state is not this trial"
    return "" if int(end) > time.time() else "the trial is over"


def end_objection(subscription_id: str, seen: Sequence[Event]) -> str:
    state = newest(seen, subscription_id)
    return "" if state and thing(state)["status"] == "canceled" else "it has not ended"


def refund_objection(rest: str, seen: Sequence[Event]) -> str:
    object_id = rest.partition(":")[0]
    if object_id.startswith("ch_"):
        return "" if about(seen, ["charge.refunded"], object_id) else "the total did not rise"
    return "" if refund_status(object_id, seen) == "succeeded" else "the refund has not succeeded"


def refund_failure_objection(refund_id: str, seen: Sequence[Event]) -> str:
    return "" if refund_status(refund_id, seen) in UNDONE else "the refund has not failed"


def refund_status(refund_id: str, seen: Sequence[Event]) -> str:
    reports = [event for event in seen if thing(event)["object"] == "refund" and thing(event)["id"] == refund_id]
    return str(thing(max(reports, key=lambda event: event["created"]))["status"]) if reports else ""


def unpaid_objection(rest: str, seen: Sequence[Event]) -> str:
    state = newest(seen, rest.partition(":")[0])
    return "" if state and thing(state)["status"] in ("unpaid", "canceled", "paused") else "nobody has given up yet"


def renewal_objection(rest: str, seen: Sequence[Event]) -> str:
    state = newest(seen, rest.partition(":")[0])
    if state is None or thing(state)["status"] not in ("active", "trialing") or thing(state)["cancel_at"]:
        return "it won't be renewed"
    return ""


def mention_objection(rest: str, seen: Sequence[Event]) -> str:
    """Object to an email about a card, a dispute, or a warning that no event is about."""
    return "" if any(thing(event).get("id") == rest.partition(":")[0] for event in seen) else "no event is about it"


CHECKS = {
    "unpaid": unpaid_objection,
    "renewal": renewal_objection,
    "card_expiring": mention_objection,
    "dispute": mention_objection,
    "fraud_warning": mention_objection,
    "receipt": receipt_objection,
    "failed": failed_sale_objection,
    "dunning": dunning_objection,
    "trial": trial_objection,
    "ended": end_objection,
    "refund": refund_objection,
    "refund_failed": refund_failure_objection,
}


# What must be said


def required(event: Event, seen: Sequence[Event]) -> set[str]:
    """Return the keys of the emails that must exist once this event, the newest of ``seen``, was processed."""
    data, event_type = thing(event), event["type"]
    keys: set[str] = set()
    if (event_type in PAID and data["amount_paid"] > 0) or is_paid_sale(event):
        keys.add(f"receipt:{data['id']}")
    if event_type == "checkout.session.async_payment_failed" and data["mode"] == "payment":
        keys.add(f"failed:{data['id']}")
    if event_type in FAILED:
        keys.add(f"dunning:{data['id']}:{data['attempt_count']}")
    if event_type.startswith("checkout.session.") and data["mode"] == "subscription" and data["invoice"]:
        keys |= {f"dunning:{data['invoice']}:{attempt}" for attempt in attempts_at(seen, data["invoice"])}
    if event_type == "customer.subscription.trial_will_end":
        keys.add(f"trial:{data['id']}:{data['trial_end']}")
    if event_type == "customer.subscription.deleted":
        keys.add(f"ended:{data['id']}")
    return {key for key in keys if not objection(key, seen)}


def attempts_at(seen: Sequence[Event], invoice_id: str) -> set[int]:
    return {thing(event)["attempt_count"] for event in about(seen, FAILED, invoice_id)}


def refunded(events: Sequence[Event]) -> int:
    """Return how much was refunded in the end, over all payments."""
    refunds = {thing(event)["id"]: thing(event)["amount"] for event in events if thing(event)["object"] == "refund"}
    return sum(amount for refund_id, amount in refunds.items() if refund_status(refund_id, events) == "succeeded")
