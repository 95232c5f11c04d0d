"""Errors of Stripe's API, and what the user and the staff learn about them."""

import logging
from datetime import timedelta

import pytest

from billing.models import Checkout, Customer
from billing.tests.support.stripe_standin import KEY, PRICES

CUSTOMERS, SESSIONS = "/v1/customers", "/v1/checkout/sessions"

# Each row holds: Stripe's response to all three attempts, and our status, code, and Retry-After in seconds.
UNAVAILABLE, REFUSED = "stripe_unavailable", "stripe_refused"
ERRORS = [
    ("401", 502, REFUSED, None),
    ("402", 502, REFUSED, None),
    ("403", 502, REFUSED, None),
    ("429;retry-after=7", 503, UNAVAILABLE, "7"),
    ("429", 503, UNAVAILABLE, "10"),
    ("500", 503, UNAVAILABLE, "10"),
    ("503-html", 503, UNAVAILABLE, "10"),
    ("cut-before", 503, UNAVAILABLE, "10"),
    ("rubbish", 503, UNAVAILABLE, "10"),
    ("truncated", 503, UNAVAILABLE, "10"),
    ("list", 503, UNAVAILABLE, "10"),
]


@pytest.fixture
def customer(ada, stripe_api):
    """Ada's customer, which Stripe already has."""
    created = stripe_api.create_customer({"email": "ada@own.example", "metadata": {"user_id": "7"}})
    return Customer.objects.create(pk=created["id"], user=ada)


@pytest.fixture
def log_text(caplog):
    """Return a function that returns the log; it must never contain the key or Ada's address."""
    caplog.set_level(logging.INFO)
    yield lambda: caplog.text
    assert KEY not in caplog.text
    assert "ada@own.example" not in caplog.text


def make_day_old(request):
    request.made_at -= timedelta(days=1)
    request.save()


@pytest.mark.parametrize(("fault", "status", "code", "wait"), ERRORS)
def test_stripe_error_is_explained_and_retry_succeeds(
    ada_api, customer, stripe_api, log_text, fault, status, code, wait
):
    stripe_api.faults = [fault] * 3
    response = ada_api.checkout()
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers.get("Retry-After") == wait
    assert "haven't been charged" in response.json()["detail"].lower()
    assert KEY not in response.text
    stripe_api.faults = []
    assert ada_api.checkout().json()["url"].startswith("https://checkout.stripe.com/")
    assert len([session for session in stripe_api.sessions.values() if session["status"] == "open"]) == 1


@pytest.mark.parametrize("fault", ["500", "timeout-after", "cut-before", "truncated"])
def test_single_failure_goes_unnoticed(ada_api, stripe_api, log_text, fault):
    stripe_api.faults = [fault, "ok", fault, "ok"]
    assert ada_api.checkout().status_code == 200
    assert (len(stripe_api.customers), len(stripe_api.sessions)) == (1, 1)


@pytest.mark.parametrize("fault", ["timeout-after", "cut-after", "rubbish", "list"])
@pytest.mark.parametrize("calls_before", [0, 1], ids=["the customer", "the session"])
def test_lost_response_does_not_create_a_second_object(ada_api, stripe_api, log_text, fault, calls_before):
    stripe_api.faults = ["ok"] * calls_before + [fault] * 3
    assert ada_api.checkout().status_code == 503
    stripe_api.faults = []
    assert ada_api.checkout().status_code == 200
    assert len(stripe_api.customers) == 1
    assert len(stripe_api.sessions) == 1
    assert Customer.objects.count() == 1


@pytest.mark.parametrize("calls_before", [0, 1], ids=["the customer", "the session"])
def test_stored_error_does_not_lock_the_user_out(ada_api, stripe_api, log_text, calls_before):
    stripe_api.faults = ["ok"] * calls_before + ["500-stored"]
    assert ada_api.checkout().status_code == 503
    assert ada_api.checkout().status_code == 200
    assert (len(stripe_api.customers), len(stripe_api.sessions)) == (1, 1)


def test_day_old_customer_with_lost_response_is_found(ada_api, ada, stripe_api, log_text):
    stripe_api.faults = ["timeout-after"] * 3
    ada_api.checkout()
    make_day_old(ada.customer_request)
    stripe_api.forget_keys()
    assert ada_api.checkout().status_code == 200
    assert len(stripe_api.customers) == 1


def test_day_old_key_without_effect_is_replaced(ada_api, ada, stripe_api, log_text):
    stripe_api.faults = ["timeout-before"] * 3
    ada_api.checkout()
    key = ada.customer_request.key
    make_day_old(ada.customer_request)
    assert ada_api.checkout().status_code == 200
    assert stripe_api.calls(CUSTOMERS)[-1].key != f"customer-{key}"
    assert len(stripe_api.customers) == 1


def test_changed_app_url_creates_a_new_session(ada_api, stripe_api, settings, log_text):
    stripe_api.faults = ["ok"] + ["timeout-after"] * 3
    ada_api.checkout()
    settings.APP_URL = "https://new.example.com"
    assert ada_api.checkout().status_code == 200
    assert [*stripe_api.sessions.values()][-1]["success_url"].startswith("https://new.example.com/")
    assert Checkout.objects.filter(closed_at=None).count() == 1


def test_changed_email_creates_no_second_customer(ada_api, ada, stripe_api, log_text):
    stripe_api.faults = ["timeout-after"] * 3
    ada_api.checkout()
    ada.email = "new@own.example"
    ada.save()
    assert ada_api.checkout().status_code == 200
    assert len(stripe_api.customers) == 1


def test_missing_price_is_logged_for_staff(ada_api, stripe_api, settings, log_text):
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_of_live_mode"}]
    assert ada_api.checkout().json()["code"] == REFUSED
    assert "No such price: 'price_of_live_mode'" in log_text()
    assert "request req_" in log_text()


def test_checkout_works_once_the_price_exists(ada_api, stripe_api, settings, monkeypatch):
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_of_live_mode"}]
    ada_api.checkout()
    monkeypatch.setattr("billing.tests.support.stripe_standin.PRICES", PRICES | {"price_of_live_mode"})
    assert ada_api.checkout().status_code == 200


def test_personal_data_in_stripe_errors_is_not_logged(ada_api, ada, stripe_api, log_text):
    type(ada).objects.update(email="nobody")
    assert ada_api.checkout().json()["code"] == REFUSED
    assert "email" in log_text()
    assert "Invalid email address" not in log_text()


def test_unreachable_server_is_reported(ada_api, stripe_api, settings):
    settings.STRIPE_API_URL = "http://127.0.0.1:1"
    assert ada_api.checkout().json()["code"] == UNAVAILABLE


def test_request_ends_before_gunicorns_timeout(ada_api, stripe_api, settings):
    """Without this limit, the three attempts would need 0.9 s."""
    settings.STRIPE_CALL_SECONDS, settings.STRIPE_REQUEST_SECONDS = 0.3, 0.5
    stripe_api.passes_deadlines = False
    stripe_api.faults = ["timeout-before"] * 9
    assert ada_api.checkout().json()["code"] == UNAVAILABLE
    assert len(stripe_api.requests) <= 2
