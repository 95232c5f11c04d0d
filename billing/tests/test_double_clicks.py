"""Simultaneous clicks, as real threads with their own connections: one customer, one page, no error."""

import pytest
from stripe import HTTPClient

from accounts.models import User
from billing.models import Checkout, Customer, CustomerRequest
from billing.tests.support.api_client import BillingClient
from billing.tests.support.parallel import run_in_parallel


@pytest.fixture(autouse=True)
def slow_stripe(stripe_api, settings, monkeypatch):
    """Add the latency of a real connection."""
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.5)
    stripe_api.latency = 0.1
    team = {"slug": "team", "name": "Team", "price_id": "price_team"}
    settings.BILLING_PLANS = [*settings.BILLING_PLANS, {**settings.BILLING_PLANS[0], **team}]
    return stripe_api


@pytest.fixture
def ada(shared_database):
    return User.objects.create_user("ada@own.example", "correct horse battery", name="Ada")


@pytest.mark.parametrize("clicks", [2, 6])
def test_double_click_returns_one_page(ada_api, stripe_api, clicks):
    responses = run_in_parallel(*[ada_api.checkout] * clicks)
    assert [response.status_code for response in responses] == [200] * clicks
    assert len({response.json()["url"] for response in responses}) == 1
    assert (len(stripe_api.sessions), len(stripe_api.customers)) == (1, 1)
    assert Checkout.objects.count() == 1
    assert Customer.objects.count() == 1
    assert CustomerRequest.objects.count() == 1


@pytest.mark.parametrize("fault", ["timeout-after", "cut-after", "rubbish"])
def test_double_click_with_lost_responses_creates_one_page(ada_api, stripe_api, fault):
    stripe_api.faults = [fault, "ok"] * 3
    run_in_parallel(*[ada_api.checkout] * 3)
    stripe_api.faults = []
    assert ada_api.checkout().status_code == 200
    assert (len(stripe_api.sessions), len(stripe_api.customers)) == (1, 1)


def test_parallel_plans_leave_one_open_page(ada_api, stripe_api):
    responses = run_in_parallel(*[lambda plan=plan: ada_api.checkout(plan) for plan in ("pro", "team") * 2])
    assert {response.status_code for response in responses} <= {200, 409}
    [current] = Checkout.objects.filter(closed_at=None)
    open_sessions = [session["id"] for session in stripe_api.sessions.values() if session["status"] == "open"]
    assert open_sessions == [current.session_id]
    assert len(stripe_api.customers) == 1


def test_customer_deleted_at_stripe_is_replaced_once(ada_api, stripe_api):
    ada_api.checkout()
    [first] = stripe_api.customers
    next(iter(stripe_api.sessions.values()))["status"] = "expired"
    stripe_api.delete_customer(first)
    responses = run_in_parallel(*[ada_api.checkout] * 3)
    assert [response.status_code for response in responses] == [200] * 3
    assert len(stripe_api.customers) == 2


def test_nothing_is_locked_during_stripe_calls(ada_api, ada, stripe_api):
    """During a slow call, another user can check out and this user's row can be written."""
    stripe_api.latency = 0.5
    other = BillingClient(User.objects.create_user("bob@own.example", "correct horse battery"))
    rename = User.objects.filter(pk=ada.pk)
    responses = run_in_parallel(ada_api.checkout, other.checkout, lambda: rename.update(name="Ada B."))
    assert [responses[0].status_code, responses[1].status_code, responses[2]] == [200, 200, 1]


def test_parallel_portal_requests_succeed(ada_api, stripe_api):
    ada_api.checkout()
    assert [response.status_code for response in run_in_parallel(ada_api.portal, ada_api.portal)] == [200, 200]
