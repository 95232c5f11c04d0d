"""What emails, pages, and the API say while events of all shapes arrive in any order: only what the newest one proves.

Hypothesis makes several states of one subscription and several reports about two of its invoices, each at another
moment, and delivers them in any order. After each of them, everything that is shown is compared with what the events
so far prove, which is worked out here a second time.
"""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.tests.support import oracle
from billing.tests.support.api_client import BillingClient
from billing.tests.support.statements import DATE, MONEY, dates_in, day_of, pages_of, plan_names, prices_of
from billing.tests.support.story_plans import TWO_PLANS
from billing.tests.support.stripe_events import GENERATIONS, Event, changed, payload, post
from billing.tests.test_refunds import sweep_now
from billing.tests.test_statements import provable_sum, subscription_event, subscriptions
from common.money import format_amount

NOW = int(time.time())
DAY = 86400
FINAL = ("canceled", "incomplete_expired")
ACCESS = ("active", "trialing", "past_due")
BADGES = {
    "trialing": "Trial",
    "past_due": "Payment failed",
    "unpaid": "Unpaid",
    "paused": "Paused",
    "incomplete": "Awaiting first payment",
    "canceled": "Ended",
}

few = settings(max_examples=25, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True)
many = settings(max_examples=1500, suppress_health_check=list(HealthCheck))

reports = st.fixed_dictionaries(
    {
        "type": st.sampled_from([*oracle.PAID, *oracle.FAILED, *oracle.FAILED, *oracle.CLOSED]),
        "id": st.sampled_from(["in_one", "in_two"]),
        "attempt_count": st.integers(1, 4),
        "next_payment_attempt": st.sampled_from([None, NOW - DAY, NOW + 3 * DAY, NOW + 5 * DAY]),
        "billing_reason": st.sampled_from(
            ["subscription_cycle", "subscription_cycle", "subscription_create", "manual"]
        ),
    }
)
amounts_due = st.sampled_from([1, 2900, 7531, 10**12])
lives = st.fixed_dictionaries(
    {
        "states": st.lists(subscriptions, min_size=1, max_size=4),
        "reports": st.lists(reports, max_size=4),
        "due": st.tuples(amounts_due, amounts_due),
        "order": st.randoms(use_true_random=False),
        "generation": st.sampled_from(GENERATIONS),
    }
)


@pytest.fixture(autouse=True)
def two_plans(settings) -> None:
    settings.BILLING_PLANS = TWO_PLANS


def events_of(life: dict[str, Any]) -> list[tuple[Event, Any]]:
    """Return the events in their order of delivery, each with the values that a subscription was made from."""
    moments = range(NOW - 100, NOW)
    events = [
        (changed(subscription_event(life["generation"], values), event_type(values), created=at), values)
        for values, at in zip(life["states"], moments, strict=False)
    ]
    events += [
        (invoice_event(life, report, at), None) for report, at in zip(life["reports"], moments[50:], strict=False)
    ]
    life["order"].shuffle(events)
    return events


def event_type(values: dict[str, Any]) -> str:
    return "customer.subscription.deleted" if values["status"] == "canceled" else "customer.subscription.updated"


def invoice_event(life: dict[str, Any], report: dict[str, Any], created: int) -> Event:
    due = life["due"][report["id"] == "in_two"]
    paid = due if report["type"] in oracle.PAID else 0
    status = {"invoice.voided": "void", "invoice.marked_uncollectible": "uncollectible"}.get(report["type"], "open")
    fields = {name: value for name, value in report.items() if name != "type"}
    if report["type"] not in oracle.FAILED:
        fields["next_payment_attempt"] = None
    amounts = {"amount_due": due, "amount_paid": paid, "amount_remaining": due - paid, "total": due, "subtotal": due}
    event = changed(
        payload("invoice_payment_failed_renewal", life["generation"]),
        report["type"],
        **fields,
        **amounts,
        number=f"NUMBER-{report['id']}",
        status="paid" if paid else status,
        created=created,
    )
    [line] = event["data"]["object"]["lines"]["data"]
    line |= {"amount": due, "subtotal": due, "description": "1 × Pro"}
    return event


def is_paid(seen: Sequence[Event]) -> bool:
    return any(event["type"] in oracle.PAID and oracle.thing(event)["amount_paid"] > 0 for event in seen)


def check_subscription(shown: Any, page: str, seen: Sequence[Event], values: dict[str, Any], newest: Event) -> None:
    """Compare what the API and the page say with the newest state."""
    state = oracle.thing(newest)
    status = "active" if state["status"] == "incomplete" and is_paid(seen) else state["status"]
    assert shown["status"] == status
    proven = provable_sum(values)
    assert shown["amount"] == proven
    assert shown["display_amount"] == ("" if proven is None else format_amount(proven, values["currency"]))
    names = plan_names(prices_of(state))
    assert (shown["plan"] or {}).get("name") == (names[0] if names else None)
    over = values["cancel_at"] is not None and values["cancel_at"] <= time.time()
    if shown["gives_access"]:
        assert status in ACCESS
        assert names
        assert not over
    days = dates_in(newest)
    for name in ("next_charge_at", "trial_end", "cancel_at", "current_period_end", "collection_resumes_at"):
        assert shown[name] is None or day_of(shown[name]) in days, name
    if status not in ("active", "trialing") or values["cancel_at"] or values["pause_collection"]:
        assert shown["next_charge_at"] is None
    if status in BADGES and not over and not values["cancel_at"] and not values["pause_collection"]:
        assert BADGES[status] in page
    others = {text for name, text in BADGES.items() if name not in (status, "canceled", "trialing", "paused")}
    plan = page.partition("Payments")[0]
    assert not [text for text in others if text in plan and text != "Paused"], plan


def check_payments(rows: Sequence[Any], seen: Sequence[Event]) -> None:
    """Compare the list of payments with the reports about each invoice."""
    for row in rows:
        invoice_id = row["number"].removeprefix("NUMBER-")
        about = [event for event in seen if oracle.thing(event)["id"] == invoice_id]
        types = {event["type"] for event in about}
        assert row["amount"] == oracle.thing(about[0])["amount_due"]
        if types & set(oracle.PAID):
            assert row["status"] == "paid"
        elif "invoice.voided" in types:
            assert row["status"] == "canceled"
        elif "invoice.marked_uncollectible" in types:
            assert row["status"] == "uncollectible"
        else:
            assert row["status"] == "failed"
        if row["next_attempt_at"]:
            assert row["status"] == "failed"
            latest = max(oracle.thing(event)["attempt_count"] for event in about)
            dates = {
                oracle.thing(event)["next_payment_attempt"]
                for event in about
                if oracle.thing(event)["attempt_count"] == latest
            }
            assert day_of(row["next_attempt_at"]) in dates_in({"dates": dict(enumerate(dates))})
    asked = {oracle.thing(event)["id"] for event in seen if event["type"] in (*oracle.FAILED, *oracle.PAID)}
    assert asked <= {row["number"].removeprefix("NUMBER-") for row in rows}


def check_life(ada, queued_emails, api: BillingClient, life: dict[str, Any]) -> None:
    seen: list[Event] = []
    made_from: dict[str, Any] = {}
    known: set[str] = set()
    for event, values in events_of(life):
        assert post(event).status_code == 200
        seen.append(event)
        made_from[event["id"]] = values
        emails = queued_emails()
        for key in set(emails) - known:
            assert not (problem := oracle.objection(key, seen)), f"{key}: {problem}"
            text = emails[key].subject + emails[key].message.text
            amounts = {format_amount(due, "usd") for due in life["due"]}
            assert set(MONEY.findall(text)) <= amounts
            assert set(DATE.findall(text)) <= set().union(*map(dates_in, seen))
        known = set(emails)
    sweep_now()
    assert set(queued_emails()) == known
    pages = pages_of(ada)
    subscription_id = payload("customer_subscription_created")["data"]["object"]["id"]
    newest = oracle.newest(seen, subscription_id)
    assert newest is not None
    shown = api.get("subscription/").json()
    check_subscription(shown, pages["/billing"], seen, made_from[newest["id"]], newest)
    rows = api.get("payments/").json()["results"]
    check_payments(rows, seen)
    amounts = {row["display_amount"] for row in rows} | {shown["display_amount"], "$29.00", "$99.00"}
    for path, text in pages.items():
        assert set(MONEY.findall(text)) <= amounts, path
        assert set(DATE.findall(text)) <= set().union(*map(dates_in, seen)) | today(), path
    receipts = {f"receipt:{oracle.thing(event)['id']}" for event in seen if event["type"] in oracle.PAID}
    assert receipts == {key for key in known if key.startswith("receipt:")}


def today() -> set[str]:
    """Return the days on which a payment without a time of its own may have been stored."""
    return dates_in({"now": int(time.time()), "before": NOW})


@few
@given(life=lives)
def test_nothing_is_said_that_a_known_event_contradicts(ada, queued_emails, life):
    with transaction.atomic():
        check_life(ada, queued_emails, BillingClient(ada), life)
        transaction.set_rollback(True)


@pytest.mark.exhaustive
@many
@given(life=lives)
def test_nothing_is_ever_said_that_a_known_event_contradicts(ada, queued_emails, life):
    with transaction.atomic():
        check_life(ada, queued_emails, BillingClient(ada), life)
        transaction.set_rollback(True)
