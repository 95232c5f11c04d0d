"""Checkout: one customer, one Stripe page, one subscription.

``ada_api.checkout()`` calls our API as Ada. ``stripe_api`` is a local HTTP server that responds as Stripe's API does,
and ``stripe_api.sessions`` holds the Checkout sessions that were created there. A session is Stripe's page on which
a customer pays.
"""

from datetime import timedelta

import pytest
from django.db.models import F

from billing.models import Checkout, Customer, Subscription
from billing.tests.support.stripe_events import changed, payload, post

MARK = {"user_id": "7", "installation": "app.example.com"}
SESSIONS, CUSTOMERS = "/v1/checkout/sessions", "/v1/customers"


@pytest.fixture(autouse=True)
def two_plans(settings):
    """Add a second plan, Team, to the plan Pro."""
    team = {"slug": "team", "name": "Team", "price_id": "price_team"}
    settings.BILLING_PLANS = [*settings.BILLING_PLANS, {**settings.BILLING_PLANS[0], **team}]


def completed_event(session):
    """Return the event that Stripe sends when a customer has paid for this session of ``stripe_api``."""
    event = payload("checkout_session_completed_subscription")
    names = ("id", "customer", "metadata", "subscription", "payment_status")
    return changed(event, **{name: session[name] for name in names})


def deleted_event(customer_id):
    """Return the event that Stripe sends when a customer is deleted in its dashboard."""
    event = payload("customer_subscription_deleted")
    return changed(event, "customer.deleted", id=customer_id, object="customer", customer=None)


def test_checkout_returns_the_url_of_stripes_page(ada_api, stripe_api):
    response = ada_api.checkout()
    [session] = stripe_api.sessions.values()
    assert (response.status_code, response.json()) == (200, {"url": session["url"]})
    assert session["prices"] == ["price_1SNa2bKq4RtYw2VdPro9Month"]
    assert session["success_url"] == "https://app.example.com/billing?checkout=done"
    assert session["cancel_url"] == "https://app.example.com/billing?checkout=cancelled"


def test_metadata_links_everything_to_the_user(ada_api, stripe_api):
    ada_api.checkout()
    [session], [customer] = stripe_api.sessions.values(), stripe_api.customers.values()
    assert session["metadata"] == session["subscription_data"]["metadata"] == MARK
    assert session["client_reference_id"] == "7"
    assert customer["metadata"].items() >= MARK.items()
    assert (customer["email"], customer["name"]) == ("ada@own.example", "Ada")
    assert Customer.objects.get().user_id == 7


def test_row_id_is_the_idempotency_key(ada_api, stripe_api):
    ada_api.checkout()
    [call] = stripe_api.calls(SESSIONS)
    assert call.key == str(Checkout.objects.get().pk)


def test_second_click_returns_the_same_page(ada_api, stripe_api):
    urls = {ada_api.checkout().json()["url"] for _ in range(3)}
    assert len(urls) == 1
    assert len(stripe_api.sessions) == 1
    assert len(stripe_api.customers) == 1


def test_other_plan_expires_the_first_page(ada_api, stripe_api):
    urls = [ada_api.checkout(plan).json()["url"] for plan in ("pro", "team", "team", "pro")]
    assert urls[1] == urls[2]
    assert [session["status"] for session in stripe_api.sessions.values()] == ["expired", "expired", "open"]
    assert len(stripe_api.customers) == 1


def test_changed_price_expires_the_page(ada_api, stripe_api, settings):
    ada_api.checkout()
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_team"}]
    ada_api.checkout()
    assert [session["status"] for session in stripe_api.sessions.values()] == ["expired", "open"]


def test_page_about_to_expire_is_not_reused(ada_api, stripe_api):
    """Stripe's page expires after 24 hours, and a customer needs some time to fill it in."""
    ada_api.checkout()
    Checkout.objects.update(created_at=F("created_at") - timedelta(hours=23, minutes=1))
    ada_api.checkout()
    assert [session["status"] for session in stripe_api.sessions.values()] == ["expired", "open"]


def test_expired_page_is_not_reused(ada_api, stripe_api):
    first = ada_api.checkout().json()["url"]
    next(iter(stripe_api.sessions.values()))["status"] = "expired"
    assert ada_api.checkout().json()["url"] != first


@pytest.mark.parametrize("event_type", ["checkout.session.completed", "checkout.session.expired"])
def test_stripe_event_closes_the_checkout(ada_api, stripe_api, event_type):
    ada_api.checkout()
    [session] = stripe_api.sessions.values()
    session |= {"status": "expired", "payment_status": "unpaid", "subscription": None}
    post({**completed_event(session), "type": event_type})
    assert not Checkout.objects.filter(closed_at=None).exists()
    assert ada_api.checkout().json()["url"] != session["url"]


@pytest.mark.parametrize("event_arrives", [True, False])
@pytest.mark.parametrize("plan", ["pro", "team"])
def test_nobody_can_buy_twice_even_before_the_event(ada_api, stripe_api, plan, event_arrives):
    ada_api.checkout()
    session = stripe_api.complete(next(iter(stripe_api.sessions)))
    if event_arrives:
        post(completed_event(session))
    response = ada_api.checkout(plan)
    assert (response.status_code, response.json()["code"]) == (409, "already_subscribed")
    assert "portal" in response.json()["detail"]
    assert len(stripe_api.sessions) == 1
    assert Subscription.objects.get().gives_access


@pytest.mark.parametrize("status", ["active", "trialing", "past_due", "unpaid", "paused", "a_new_word"])
def test_live_subscription_refuses_another(ada_api, ada, stripe_api, status):
    Subscription.objects.create(pk="sub_1", status=status, customer=Customer.objects.create(pk="cus_1", user=ada))
    assert ada_api.checkout().status_code == 409
    assert stripe_api.requests == []


@pytest.mark.parametrize("status", ["canceled", "incomplete", "incomplete_expired"])
def test_ended_subscription_allows_another(ada_api, ada, stripe_api, status):
    customer = Customer.objects.create(pk=stripe_api.create_customer({"email": "a@b"})["id"], user=ada)
    Subscription.objects.create(pk="sub_1", status=status, customer=customer)
    assert ada_api.checkout().status_code == 200
    assert len(stripe_api.customers) == 1


@pytest.mark.parametrize("event_arrives", [True, False])
def test_customer_deleted_at_stripe_is_replaced(ada_api, stripe_api, event_arrives):
    ada_api.checkout()
    [first] = stripe_api.customers
    [session] = stripe_api.sessions.values()
    stripe_api.delete_customer(first)
    session["status"] = "expired"
    if event_arrives:
        post(deleted_event(first))
    assert [ada_api.checkout().status_code for _ in range(2)] == [200, 200]
    assert [customer["id"] for customer in stripe_api.customers.values() if "deleted" not in customer] == ["cus_3"]
    assert Customer.objects.usable().get().pk == "cus_3"


def test_missing_key_names_the_variable(ada_api, settings):
    settings.STRIPE_SECRET_KEY = ""
    for response in (ada_api.checkout(), ada_api.portal()):
        assert (response.status_code, response.json()["code"]) == (503, "payments_not_set_up")
        assert "STRIPE_SECRET_KEY" in response.json()["detail"]


def test_placeholder_price_is_refused(ada_api, stripe_api, settings):
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_change_me"}]
    response = ada_api.checkout()
    assert (response.status_code, response.json()["code"]) == (503, "plan_not_set_up")
    assert "settings/plans.py" in response.json()["detail"]
    assert stripe_api.requests == []


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"plan": "gold"}, "plan"),
        ({}, "plan"),
        ({"plan": None}, "plan"),
        ({"plan": "pro", "price": "price_1"}, "price"),
    ],
)
def test_invalid_body_names_the_field(ada_api, stripe_api, data, field):
    response = ada_api.post("checkout/", data)
    assert (response.status_code, list(response.json())) == (400, [field])
    assert stripe_api.requests == []
