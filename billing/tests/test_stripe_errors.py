"""What Stripe answers, and what the person and the staff are told of it."""

import logging
from datetime import timedelta

import pytest

from billing.models import Checkout, Customer
from billing.tests.support.stripe_standin import KEY, PRICES

CUSTOMERS, SESSIONS = "/v1/customers", "/v1/checkout/sessions"

# What Stripe answers to each of three tries, the status for the caller, the code, the seconds in Retry-After.
AWAY, REFUSED = "stripe_unavailable", "stripe_refused"
ANSWERS = [
    ("401", 502, REFUSED, None),
    ("402", 502, REFUSED, None),
    ("403", 502, REFUSED, None),
    ("429;retry-after=7", 503, AWAY, "7"),
    ("429", 503, AWAY, "10"),
    ("500", 503, AWAY, "10"),
    ("503-html", 503, AWAY, "10"),
    ("cut-before", 503, AWAY, "10"),
    ("rubbish", 503, AWAY, "10"),
    ("truncated", 503, AWAY, "10"),
    ("list", 503, AWAY, "10"),
]


@pytest.fixture
def customer(ada, stripe):
    """Ada is known at Stripe already."""
    made = stripe.create_customer({"email": "ada@own.example", "metadata": {"user_id": "7"}})
    return Customer.objects.create(pk=made["id"], user=ada)


@pytest.fixture
def log(caplog):
    """All that is logged, in one text."""
    caplog.set_level(logging.INFO)
    yield lambda: caplog.text
    assert KEY not in caplog.text
    assert "ada@own.example" not in caplog.text


def age(request):
    request.made_at -= timedelta(days=1)
    request.save()


@pytest.mark.parametrize(("fault", "status", "code", "wait"), ANSWERS)
def test_stripe_error_is_explained_and_retry_succeeds(as_ada, customer, stripe, log, fault, status, code, wait):
    stripe.faults = [fault] * 3
    answer = as_ada.checkout()
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == wait
    assert "nothing was charged" in answer.json()["detail"].lower()
    assert KEY not in answer.text
    stripe.faults = []
    assert as_ada.checkout().json()["url"].startswith("https://checkout.stripe.com/")
    assert len([session for session in stripe.sessions.values() if session["status"] == "open"]) == 1


@pytest.mark.parametrize("fault", ["500", "timeout-after", "cut-before", "truncated"])
def test_single_failure_goes_unnoticed(as_ada, stripe, log, fault):
    stripe.faults = [fault, "ok", fault, "ok"]
    assert as_ada.checkout().status_code == 200
    assert (len(stripe.customers), len(stripe.sessions)) == (1, 1)


@pytest.mark.parametrize("fault", ["timeout-after", "cut-after", "rubbish", "list"])
@pytest.mark.parametrize("calls_before", [0, 1], ids=["the customer", "the session"])
def test_lost_response_does_not_create_a_second_object(as_ada, stripe, log, fault, calls_before):
    stripe.faults = ["ok"] * calls_before + [fault] * 3
    assert as_ada.checkout().status_code == 503
    stripe.faults = []
    assert as_ada.checkout().status_code == 200
    assert (len(stripe.customers), len(stripe.sessions), Customer.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("calls_before", [0, 1], ids=["the customer", "the session"])
def test_stored_error_does_not_lock_the_user_out(as_ada, stripe, log, calls_before):
    stripe.faults = ["ok"] * calls_before + ["500-stored"]
    assert as_ada.checkout().status_code == 503
    assert as_ada.checkout().status_code == 200
    assert (len(stripe.customers), len(stripe.sessions)) == (1, 1)


def test_day_old_customer_with_lost_response_is_found(as_ada, ada, stripe, log):
    stripe.faults = ["timeout-after"] * 3
    as_ada.checkout()
    age(ada.customer_request)
    stripe.forget_keys()
    assert as_ada.checkout().status_code == 200
    assert len(stripe.customers) == 1


def test_day_old_key_without_effect_is_replaced(as_ada, ada, stripe, log):
    stripe.faults = ["timeout-before"] * 3
    as_ada.checkout()
    key = ada.customer_request.key
    age(ada.customer_request)
    assert as_ada.checkout().status_code == 200
    assert stripe.calls(CUSTOMERS)[-1].key != f"customer-{key}"
    assert len(stripe.customers) == 1


def test_changed_app_url_creates_a_new_session(as_ada, stripe, settings, log):
    stripe.faults = ["ok"] + ["timeout-after"] * 3
    as_ada.checkout()
    settings.APP_URL = "https://new.example.com"
    assert as_ada.checkout().status_code == 200
    assert [*stripe.sessions.values()][-1]["success_url"].startswith("https://new.example.com/")
    assert Checkout.objects.filter(closed_at=None).count() == 1


def test_changed_email_creates_no_second_customer(as_ada, ada, stripe, log):
    stripe.faults = ["timeout-after"] * 3
    as_ada.checkout()
    ada.email = "new@own.example"
    ada.save()
    assert as_ada.checkout().status_code == 200
    assert len(stripe.customers) == 1


def test_missing_price_is_logged_for_staff(as_ada, stripe, settings, log):
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_of_live_mode"}]
    assert as_ada.checkout().json()["code"] == REFUSED
    assert "No such price: 'price_of_live_mode'" in log()
    assert "request req_" in log()


def test_checkout_works_once_the_price_exists(as_ada, stripe, settings, monkeypatch):
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_of_live_mode"}]
    as_ada.checkout()
    monkeypatch.setattr("billing.tests.support.stripe_standin.PRICES", PRICES | {"price_of_live_mode"})
    assert as_ada.checkout().status_code == 200


def test_personal_data_in_stripe_errors_is_not_logged(as_ada, ada, stripe, log):
    type(ada).objects.update(email="nobody")
    assert as_ada.checkout().json()["code"] == REFUSED
    assert "email" in log()
    assert "Invalid email address" not in log()


def test_unreachable_server_is_reported(as_ada, stripe, settings):
    settings.STRIPE_API_URL = "http://127.0.0.1:1"
    assert as_ada.checkout().json()["code"] == AWAY


def test_request_ends_before_gunicorns_timeout(as_ada, stripe, settings):
    settings.STRIPE_REQUEST_SECONDS = 0.5
    stripe.faults = ["timeout-before"] * 9
    assert as_ada.checkout().json()["code"] == AWAY
    assert len(stripe.asked) <= 2
