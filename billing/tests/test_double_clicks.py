"""Clicks at the same moment, as real threads with connections of their own: one customer, one page, no error."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from stripe import HTTPClient

from accounts.models import User
from billing.models import Checkout, Customer, CustomerRequest
from billing.tests.support.api_client import Browser


@pytest.fixture
def shared_database(transactional_db, tmp_path):
    """On SQLite a file, as it is in life: one in memory fails where another thread writes, instead of waiting."""
    in_memory = connections["default"]
    if in_memory.vendor != "sqlite":
        yield
        return
    in_memory.cursor().execute("VACUUM INTO %s", [f"{tmp_path}/db.sqlite3"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections.settings["default"], "NAME", f"{tmp_path}/db.sqlite3")
        connections["default"] = connections.create_connection("default")
        yield
        connections["default"].close()
    connections["default"] = in_memory


@pytest.fixture(autouse=True)
def slow_stripe(stripe, settings, monkeypatch):
    """Time passes as it does over a real line."""
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.5)
    stripe.latency = 0.1
    settings.STRIPE_CALL_SECONDS = 5.0
    team = {"slug": "team", "name": "Team", "price_id": "price_team"}
    settings.BILLING_PLANS = [*settings.BILLING_PLANS, {**settings.BILLING_PLANS[0], **team}]
    return stripe


@pytest.fixture
def ada(shared_database):
    return User.objects.create_user("ada@own.example", "correct horse battery", name="Ada")


def at_once(*clicks: Callable[[], Any]) -> list[Any]:
    """What each click was answered."""
    barrier = Barrier(len(clicks))

    def click(act: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(clicks)) as pool:
        return [*pool.map(click, clicks)]


@pytest.mark.parametrize("clicks", [2, 6])
def test_double_click_returns_one_page(as_ada, stripe, clicks):
    answers = at_once(*[as_ada.checkout] * clicks)
    assert [answer.status_code for answer in answers] == [200] * clicks
    assert len({answer.json()["url"] for answer in answers}) == 1
    assert (len(stripe.sessions), len(stripe.customers)) == (1, 1)
    assert (Checkout.objects.count(), Customer.objects.count(), CustomerRequest.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("fault", ["timeout-after", "cut-after", "rubbish"])
def test_double_click_with_lost_responses_creates_one_page(as_ada, stripe, settings, fault):
    settings.STRIPE_CALL_SECONDS = 1.0
    stripe.faults = [fault, "ok"] * 3
    at_once(*[as_ada.checkout] * 3)
    stripe.faults = []
    assert as_ada.checkout().status_code == 200
    assert (len(stripe.sessions), len(stripe.customers)) == (1, 1)


def test_parallel_plans_leave_one_open_page(as_ada, stripe):
    answers = at_once(*[lambda plan=plan: as_ada.checkout(plan) for plan in ("pro", "team") * 2])
    assert {answer.status_code for answer in answers} <= {200, 409}
    [current] = Checkout.objects.filter(closed_at=None)
    open_ones = [session["id"] for session in stripe.sessions.values() if session["status"] == "open"]
    assert open_ones == [current.session_id]
    assert len(stripe.customers) == 1


def test_customer_deleted_at_stripe_is_replaced_once(as_ada, stripe):
    as_ada.checkout()
    [first] = stripe.customers
    next(iter(stripe.sessions.values()))["status"] = "expired"
    stripe.delete_customer(first)
    answers = at_once(*[as_ada.checkout] * 3)
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(stripe.customers) == 2


def test_nothing_is_locked_during_stripe_calls(as_ada, ada, stripe):
    """Somebody else checks out, and this user's row is written, within the time that Stripe takes."""
    stripe.latency = 0.5
    other = Browser(User.objects.create_user("bob@own.example", "correct horse battery"))
    rename = User.objects.filter(pk=ada.pk)
    answers = at_once(as_ada.checkout, other.checkout, lambda: rename.update(name="Ada B."))
    assert [answers[0].status_code, answers[1].status_code, answers[2]] == [200, 200, 1]


def test_parallel_portal_requests_succeed(as_ada, stripe):
    as_ada.checkout()
    assert [answer.status_code for answer in at_once(as_ada.portal, as_ada.portal)] == [200, 200]
