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
def test_an_error_is_answered_in_words_and_mended_by_another_try(
    as_ada, customer, stripe, log, fault, status, code, wait
):
    stripe.faults = [fault] * 3
    answer = as_ada.checkout()
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == wait
    assert "haven't been charged" in answer.json()["detail"].lower()
    assert KEY not in answer.text
    stripe.faults = []
    assert as_ada.checkout().json()["url"].startswith("https://checkout.stripe.com/")
    assert len([session for session in stripe.sessions.values() if session["status"] == "open"]) == 1


@pytest.mark.parametrize("fault", ["500", "timeout-after", "cut-before", "truncated"])
def test_one_failure_is_not_noticed(as_ada, stripe, log, fault):
    stripe.faults = [fault, "ok", fault, "ok"]
    assert as_ada.checkout().status_code == 200
    assert (len(stripe.customers), len(stripe.sessions)) == (1, 1)


@pytest.mark.parametrize("fault", ["timeout-after", "cut-after", "rubbish", "list"])
@pytest.mark.parametrize("calls_before", [0, 1], ids=["the customer", "the session"])
def test_what_was_made_though_nobody_heard_of_it_is_not_made_twice(as_ada, stripe, log, fault, calls_before):
    stripe.faults = ["ok"] * calls_before + [fault] * 3
    assert as_ada.checkout().status_code == 503
    stripe.faults = []
    assert as_ada.checkout().status_code == 200
    assert (len(stripe.customers), len(stripe.sessions), Customer.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("calls_before", [0, 1], ids=["the customer", "the session"])
def test_an_error_that_stripe_repeats_to_the_same_key_does_not_lock_anybody_out(as_ada, stripe, log, calls_before):
    stripe.faults = ["ok"] * calls_before + ["500-stored"]
    assert as_ada.checkout().status_code == 503
    assert as_ada.checkout().status_code == 200
    assert (len(stripe.customers), len(stripe.sessions)) == (1, 1)


def test_a_customer_made_a_day_ago_though_nobody_heard_of_it_is_found(as_ada, ada, stripe, log):
    stripe.faults = ["timeout-after"] * 3
    as_ada.checkout()
    age(ada.customer_request)
    stripe.forget_keys()
    assert as_ada.checkout().status_code == 200
    assert len(stripe.customers) == 1


def test_a_key_that_is_a_day_old_is_changed_where_it_made_nothing(as_ada, ada, stripe, log):
    stripe.faults = ["timeout-before"] * 3
    as_ada.checkout()
    key = ada.customer_request.key
    age(ada.customer_request)
    assert as_ada.checkout().status_code == 200
    assert stripe.calls(CUSTOMERS)[-1].key != f"customer-{key}"
    assert len(stripe.customers) == 1


def test_a_changed_address_of_ours_makes_a_new_session(as_ada, stripe, settings, log):
    stripe.faults = ["ok"] + ["timeout-after"] * 3
    as_ada.checkout()
    settings.APP_URL = "https://new.example.com"
    assert as_ada.checkout().status_code == 200
    assert [*stripe.sessions.values()][-1]["success_url"].startswith("https://new.example.com/")
    assert Checkout.objects.filter(closed_at=None).count() == 1


def test_a_changed_address_of_hers_makes_no_second_customer(as_ada, ada, stripe, log):
    stripe.faults = ["timeout-after"] * 3
    as_ada.checkout()
    ada.email = "new@own.example"
    ada.save()
    assert as_ada.checkout().status_code == 200
    assert len(stripe.customers) == 1


def test_a_price_that_is_not_there_is_told_to_staff(as_ada, stripe, settings, log):
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_of_live_mode"}]
    assert as_ada.checkout().json()["code"] == REFUSED
    assert "No such price: 'price_of_live_mode'" in log()
    assert "request req_" in log()


def test_it_works_as_soon_as_the_price_is_there(as_ada, stripe, settings, monkeypatch):
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_of_live_mode"}]
    as_ada.checkout()
    monkeypatch.setattr("billing.tests.support.stripe_standin.PRICES", PRICES | {"price_of_live_mode"})
    assert as_ada.checkout().status_code == 200


def test_what_stripe_says_about_a_person_is_not_logged(as_ada, ada, stripe, log):
    type(ada).objects.update(email="nobody")
    assert as_ada.checkout().json()["code"] == REFUSED
    assert "email" in log()
    assert "Invalid email address" not in log()


def test_a_server_that_is_not_there(as_ada, stripe, settings):
    settings.STRIPE_API_URL = "http://127.0.0.1:1"
    assert as_ada.checkout().json()["code"] == AWAY


def test_a_request_ends_before_gunicorn_ends_it(as_ada, stripe, settings):
    settings.STRIPE_REQUEST_SECONDS = 0.5
    stripe.faults = ["timeout-before"] * 9
    assert as_ada.checkout().json()["code"] == AWAY
    assert len(stripe.asked) <= 2
