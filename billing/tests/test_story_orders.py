"""The events of each story in any order: the right final state, the right emails, each once, and nothing untrue.

A test that always runs tries all orders of up to four events, and some of longer stories. RUN_SLOW=all tries all orders
of up to six, and 100 of longer ones, in both generations.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import permutations
from math import factorial
from typing import Any

import pytest
from django.db import connection, transaction

from billing.models import Dispute, Payment, StripeEvent, Subscription
from billing.testing.stories import all_stories
from billing.testing.stories.performance import Performance, perform
from billing.tests.support import oracle
from billing.tests.support.api_client import BillingClient
from billing.tests.support.statements import (
    DATE,
    MONEY,
    amounts_in,
    dates_in,
    day_of,
    offers,
    pages_of,
    plan_names,
    prices_of,
)
from billing.tests.support.story_plans import TWO_PLANS
from billing.tests.support.stripe_events import GENERATIONS, Event, post
from billing.tests.test_refunds import sweep_now
from billing.tests.test_stories import check_end
from billing.webhook.handlers import HANDLERS
from emails.models import OutboundEmail

STORIES = all_stories()
STATE: dict[Any, tuple[str, ...]] = {
    Subscription: (
        "pk",
        "customer_id",
        "status",
        "price_id",
        "recurring_amount",
        "currency",
        "interval",
        "interval_count",
        "quantity",
        "current_period_end",
        "trial_end",
        "without_card",
        "cancel_at",
        "is_collection_paused",
        "collection_resumes_at",
        "has_schedule",
        "ended_at",
        "end_reason",
        "version",
    ),
    Payment: (
        "stripe_id",
        "customer_id",
        "user_id",
        "subscription_id",
        "status",
        "amount",
        "currency",
        "description",
        "number",
        "invoice_url",
        "paid_at",
        "next_attempt_at",
    ),
    Dispute: ("pk", "status", "amount", "currency"),
}

pytestmark = pytest.mark.usefixtures("two_plans")


@pytest.fixture
def two_plans(settings) -> None:
    settings.BILLING_PLANS = TWO_PLANS


def orders(events: Sequence[Event], *, all_up_to: int, others: int) -> Iterator[Sequence[Event]]:
    """Yield every order of a few events, or some random orders of more."""
    if len(events) <= all_up_to:
        yield from permutations(events)
        return
    for seed in range(others):
        order = [*events]
        random.Random(seed).shuffle(order)
        yield order


def final_state() -> dict[str, list[tuple[Any, ...]]]:
    state = {
        model.__name__: sorted(map(tuple, model.objects.order_by().values_list(*fields)), key=str)
        for model, fields in STATE.items()
    }
    refunds = Payment.objects.with_refunds().order_by("stripe_id")
    return state | {"refunds": [(row.stripe_id, row.amount_refunded) for row in refunds]}


class Listener:
    """Follows the outbox while events arrive, and objects to what must not be said, or wasn't."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.keys: list[str] = []
        self.emails: dict[str, OutboundEmail] = {}

    def hear(self, event: Event | None) -> None:
        """Compare the new emails with the events so far; None stands for the sweep."""
        self.seen += [event] if event else []
        types = [item["type"] for item in self.seen]
        new = [row for row in OutboundEmail.objects.order_by("created_at") if row.idempotency_key not in self.emails]
        for row in new:
            key = row.idempotency_key or ""
            assert not (problem := oracle.objection(key, self.seen)), f"{key}: {problem}, after {types}"
            self.emails[key] = row
        if event and event["type"] in HANDLERS:
            missing = oracle.required(event, self.seen) - set(self.emails)
            # Who was informed that a subscription stays unpaid isn't informed of its end.
            missing -= {f"ended:{key.split(':')[1]}" for key in self.emails if key.startswith("unpaid:")}
            assert not missing, f"{missing} missing after {types}"

    def check_refunds(self) -> None:
        """Check that the emails about refunds add up to what was refunded in the end."""
        known = [oracle.thing(event) for event in self.seen if oracle.thing(event)["object"] == "refund"]
        amounts = {refund["id"]: refund["amount"] for refund in known}
        charges = {refund["charge"]: refund["amount"] for refund in known}

        def total(kind: str) -> int:
            ids = [key.split(":")[1] for key in self.emails if key.startswith(f"{kind}:")]
            return sum(amounts.get(name) or charges[name] for name in ids)

        assert total("refund") - total("refund_failed") == oracle.refunded(self.seen), list(self.emails)


def check_emails(played: Performance, emails: dict[str, OutboundEmail]) -> None:
    """Check that every amount and date in an email is in an event."""
    amounts, days = amounts_in(played.events), dates_in(played.events)
    for key, row in emails.items():
        text = row.subject + row.message.text
        assert set(MONEY.findall(text)) <= amounts, key
        assert set(DATE.findall(text)) <= days, key


def check_pages(ada, api: BillingClient, played: Performance) -> None:
    """Check that every amount, date, plan, and state on the pages and in the API is in an event."""
    amounts, days = amounts_in(played.events), dates_in(played.events)
    for path, text in pages_of(ada).items():
        assert set(MONEY.findall(text)) <= amounts | offers(), path
        assert set(DATE.findall(text)) <= days, path
    check_api(api.get("subscription/").json(), played, days, amounts)
    for payment in api.get("payments/").json()["results"]:
        assert payment["display_amount"] in amounts
        assert all(payment[name] is None or day_of(payment[name]) in days for name in ("paid_at", "next_attempt_at"))


def check_api(shown: Any, played: Performance, days: set[str], amounts: set[str]) -> None:
    newest = oracle.newest(played.events, played.ids.get(("subscription", "first"), ""))
    if newest is None:
        assert shown["status"] == "none"
        return
    state = oracle.thing(newest)
    assert shown["status"] == state["status"]
    assert shown["plan"]["name"] == plan_names(prices_of(state))[0]
    assert shown["display_amount"] in amounts | {""}
    assert bool(shown["is_collection_paused"]) == bool(state["pause_collection"])
    assert bool(shown["cancel_at"]) == bool(state["cancel_at"])
    for name in ("next_charge_at", "trial_end", "cancel_at", "current_period_end", "ended_at", "collection_resumes_at"):
        assert shown[name] is None or day_of(shown[name]) in days, name
    if state["status"] not in ("active", "trialing") or state["cancel_at"] or state["pause_collection"]:
        assert shown["next_charge_at"] is None


def check_order(ada, api, played: Performance, order: Sequence[Event], expected: Any, *, with_pages: bool) -> Any:
    """Post the events in this order, check what is said on the way and in the end, and return the final state."""
    listener = Listener()
    for event in order:
        assert post(event).status_code == 200
        listener.hear(event)
    sweep_now()
    listener.hear(None)
    types = [event["type"] for event in order]
    assert not StripeEvent.objects.exclude(status="processed").exists(), types
    listener.check_refunds()
    check_end(played)
    state = final_state()
    assert expected is None or state == expected, types
    check_emails(played, listener.emails)
    if with_pages:
        check_pages(ada, api, played)
    return state


def check_orders(ada, name: str, generation: str, *, all_up_to: int, others: int, pages_every: int = 1) -> int:
    """Check the story's own order, and then others, each from the same empty database. Returns how many."""
    played = perform(STORIES[name], ada.email, generation)
    api, expected, count = BillingClient(ada), None, 0
    for order in [played.events, *orders(played.events, all_up_to=all_up_to, others=others)]:
        with transaction.atomic():
            expected = check_order(ada, api, played, order, expected, with_pages=count % pages_every == 0)
            transaction.set_rollback(True)
        count += 1
    return count


@pytest.mark.parametrize("name", STORIES)
def test_few_orders_of_a_story_end_the_same(ada, name):
    # .ci/run repeats the tests on PostgreSQL, where each order takes longer.
    others = 5 if connection.vendor == "sqlite" else 1
    for generation in GENERATIONS:
        check_orders(ada, name, generation, all_up_to=3, others=others, pages_every=3)


@pytest.mark.exhaustive
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", STORIES)
def test_all_orders_of_a_story_end_the_same(ada, name, generation):
    count = check_orders(ada, name, generation, all_up_to=6, others=100, pages_every=7)
    events = len(perform(STORIES[name], ada.email, generation).scenes)
    print(f"{name}, {generation}: {events} events, {count - 1} orders")
    assert count - 1 == (factorial(events) if events <= 6 else 100)
