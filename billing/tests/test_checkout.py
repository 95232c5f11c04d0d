"""Checkout: one customer, one page of Stripe's, one subscription."""

from datetime import timedelta

import pytest
from django.db.models import F

from billing.models import Checkout, Customer, Subscription
from billing.tests.support.stripe_events import changed, payload, post

SESSIONS, CUSTOMERS = "/v1/checkout/sessions", "/v1/customers"


@pytest.fixture(autouse=True)
def two_plans(settings):
    team = {"slug": "team", "name": "Team", "price_id": "price_team"}
    settings.BILLING_PLANS = [*settings.BILLING_PLANS, {**settings.BILLING_PLANS[0], **team}]


def completed(session):
    """Stripe's event about a session of the stand-in."""
    event = payload("checkout_session_completed_subscription")
    names = ("id", "customer", "metadata", "subscription", "payment_status")
    return changed(event, **{name: session[name] for name in names})


def deleted(customer_id):
    event = payload("customer_subscription_deleted")
    return changed(event, "customer.deleted", id=customer_id, object="customer", customer=None)


def test_checkout_returns_the_url_of_stripes_page(as_ada, stripe):
    answer = as_ada.checkout()
    [session] = stripe.sessions.values()
    assert (answer.status_code, answer.json()) == (200, {"url": session["url"]})
    assert session["prices"] == ["price_1SNa2bKq4RtYw2VdPro9Month"]
    assert session["success_url"] == "https://app.example.com/billing?checkout=done"
    assert session["cancel_url"] == "https://app.example.com/billing?checkout=cancelled"


def test_metadata_links_everything_to_the_user(as_ada, stripe):
    as_ada.checkout()
    [session], [customer] = stripe.sessions.values(), stripe.customers.values()
    assert session["metadata"] == session["subscription_data"]["metadata"] == {"user_id": "7"}
    assert (session["client_reference_id"], customer["metadata"]["user_id"]) == ("7", "7")
    assert (customer["email"], customer["name"]) == ("ada@own.example", "Ada")
    assert Customer.objects.get().user_id == 7


def test_row_id_is_the_idempotency_key(as_ada, stripe):
    as_ada.checkout()
    [call] = stripe.calls(SESSIONS)
    assert call.key == str(Checkout.objects.get().pk)


def test_second_click_returns_the_same_page(as_ada, stripe):
    urls = {as_ada.checkout().json()["url"] for _ in range(3)}
    assert (len(urls), len(stripe.sessions), len(stripe.customers)) == (1, 1, 1)


def test_other_plan_expires_the_first_page(as_ada, stripe):
    urls = [as_ada.checkout(plan).json()["url"] for plan in ("pro", "team", "team", "pro")]
    assert urls[1] == urls[2]
    assert [session["status"] for session in stripe.sessions.values()] == ["expired", "expired", "open"]
    assert len(stripe.customers) == 1


def test_changed_price_expires_the_page(as_ada, stripe, settings):
    as_ada.checkout()
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_team"}]
    as_ada.checkout()
    assert [session["status"] for session in stripe.sessions.values()] == ["expired", "open"]


def test_page_about_to_expire_is_not_reused(as_ada, stripe):
    as_ada.checkout()
    Checkout.objects.update(created_at=F("created_at") - timedelta(hours=23, minutes=1))
    as_ada.checkout()
    assert [session["status"] for session in stripe.sessions.values()] == ["expired", "open"]


def test_expired_page_is_not_reused(as_ada, stripe):
    first = as_ada.checkout().json()["url"]
    next(iter(stripe.sessions.values()))["status"] = "expired"
    assert as_ada.checkout().json()["url"] != first


@pytest.mark.parametrize("event_type", ["checkout.session.completed", "checkout.session.expired"])
def test_stripe_event_closes_the_checkout(as_ada, stripe, event_type):
    as_ada.checkout()
    [session] = stripe.sessions.values()
    session |= {"status": "expired", "payment_status": "unpaid", "subscription": None}
    post({**completed(session), "type": event_type})
    assert not Checkout.objects.filter(closed_at=None).exists()
    assert as_ada.checkout().json()["url"] != session["url"]


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("plan", ["pro", "team"])
def test_nobody_can_buy_twice_even_before_the_event(as_ada, stripe, plan, is_told):
    as_ada.checkout()
    session = stripe.complete(next(iter(stripe.sessions)))
    if is_told:
        post(completed(session))
    answer = as_ada.checkout(plan)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_subscribed")
    assert "portal" in answer.json()["detail"]
    assert len(stripe.sessions) == 1
    assert Subscription.objects.get().gives_access


@pytest.mark.parametrize("status", ["active", "trialing", "past_due", "unpaid", "paused", "a_new_word"])
def test_live_subscription_refuses_another(as_ada, ada, stripe, status):
    Subscription.objects.create(pk="sub_1", status=status, customer=Customer.objects.create(pk="cus_1", user=ada))
    assert as_ada.checkout().status_code == 409
    assert stripe.asked == []


@pytest.mark.parametrize("status", ["canceled", "incomplete", "incomplete_expired"])
def test_ended_subscription_allows_another(as_ada, ada, stripe, status):
    customer = Customer.objects.create(pk=stripe.create_customer({"email": "a@b"})["id"], user=ada)
    Subscription.objects.create(pk="sub_1", status=status, customer=customer)
    assert as_ada.checkout().status_code == 200
    assert len(stripe.customers) == 1


@pytest.mark.parametrize("is_told", [True, False])
def test_customer_deleted_at_stripe_is_replaced(as_ada, stripe, is_told):
    as_ada.checkout()
    [first] = stripe.customers
    [session] = stripe.sessions.values()
    stripe.delete_customer(first)
    session["status"] = "expired"
    if is_told:
        post(deleted(first))
    assert [as_ada.checkout().status_code for _ in range(2)] == [200, 200]
    assert [customer["id"] for customer in stripe.customers.values() if "deleted" not in customer] == ["cus_3"]
    assert Customer.objects.usable().get().pk == "cus_3"


def test_missing_key_names_the_variable(as_ada, settings):
    settings.STRIPE_SECRET_KEY = ""
    for answer in (as_ada.checkout(), as_ada.portal()):
        assert (answer.status_code, answer.json()["code"]) == (503, "payments_not_set_up")
        assert "STRIPE_SECRET_KEY" in answer.json()["detail"]


def test_placeholder_price_is_refused(as_ada, stripe, settings):
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "price_id": "price_change_me"}]
    answer = as_ada.checkout()
    assert (answer.status_code, answer.json()["code"]) == (503, "plan_not_set_up")
    assert "settings/plans.py" in answer.json()["detail"]
    assert stripe.asked == []


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"plan": "gold"}, "plan"),
        ({}, "plan"),
        ({"plan": None}, "plan"),
        ({"plan": "pro", "price": "price_1"}, "price"),
    ],
)
def test_invalid_body_names_the_field(as_ada, stripe, data, field):
    answer = as_ada.post("checkout/", data)
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert stripe.asked == []
