"""The page /billing, used like a browser without scripts."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.tests.support.browser import text_of
from billing.models import Customer, Payment, Subscription
from billing.tests.support.stripe_events import payload, post_all

PRICE = "price_1SNa2bKq4RtYw2VdPro9Month"


@pytest.fixture
def browser(ada):
    """Provide a client in which Ada is logged in."""
    client = Client(enforce_csrf_checks=False)
    client.force_login(ada)
    return client


@pytest.fixture
def customer(ada, stripe_api):
    """Provide Ada's customer, which also exists at ``stripe_api``."""
    return Customer.objects.create(pk=stripe_api.create_customer({"email": ada.email})["id"], user=ada)


@pytest.fixture
def subscribe(customer):
    """Provide a function that stores a subscription of Ada's to Pro: ``subscribe(status="past_due")``."""

    def subscribe(**values):
        values = {"status": "active", "current_period_end": timezone.now() + timedelta(days=9), **values}
        Subscription.objects.create(
            pk="sub_1",
            customer=customer,
            price_id=PRICE,
            recurring_amount=2900,
            currency="usd",
            interval="month",
            **values,
        )

    return subscribe


def test_visitor_is_sent_to_login(client, db):
    assert client.get("/billing")["Location"] == "/login?next=/billing"
    assert client.post("/billing/checkout", {"plan": "pro"})["Location"].startswith("/login")


def test_user_without_subscription_can_choose_a_plan(browser, stripe_api):
    response = browser.get("/billing/")
    text = text_of(response)
    assert "Pro $29.00 per month" in text
    assert "Choose Pro" in text
    assert "No payments yet Each payment will appear here, with its receipt." in text
    assert "Manage subscription" not in text


def test_plan_state_and_next_charge_are_shown(browser, subscribe):
    subscribe(quantity=2)
    text = text_of(browser.get("/billing"))
    assert "2 × Pro Active" in text
    assert "$29.00 per month" in text
    assert "Your next charge is on" in text
    assert "Manage subscription" in text
    assert "Choose Pro" not in text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"status": "past_due"}, "Your last payment failed"),
        ({"status": "unpaid"}, "You don't have access right now"),
        ({"cancel_at": timezone.now() + timedelta(days=1)}, "Your subscription ends on"),
        ({"status": "trialing", "trial_end": timezone.now() + timedelta(days=1)}, "Your trial ends on"),
        ({"status": "canceled", "ended_at": timezone.now()}, "Choose Pro"),
        ({"status": "a_new_word"}, "a_new_word"),
    ],
)
def test_each_status_is_explained(browser, subscribe, values, expected):
    subscribe(**values)
    assert expected in text_of(browser.get("/billing"))


def test_payment_history_is_shown(browser):
    post_all([payload("invoice_paid_first"), payload("invoice_payment_failed_renewal")])
    response = browser.get("/billing")
    assert "Nov. 2, 2026 Pro $29.00 Paid" in text_of(response)
    assert "$29.00 Failed" in text_of(response)
    assert 'href="https://invoice.stripe.com/' in response.text


def test_refund_is_shown_and_old_invoice_link_hidden(browser, ada):
    payment = Payment.objects.create(
        stripe_id="in_1",
        user=ada,
        status="paid",
        amount=2900,
        currency="usd",
        charge="ch_1",
        number="INV-1",
        invoice_url="https://invoice.stripe.com/i/old",
    )
    payment.created_at = timezone.now() - timedelta(days=31)
    payment.save()
    refund = payload("invoice_paid_first") | {"id": "evt_refund", "type": "refund.created"}
    refund["data"] = {
        "object": {"id": "re_1", "charge": "ch_1", "amount": 1000, "currency": "usd", "status": "succeeded"}
    }
    post_all([refund])
    response = browser.get("/billing")
    assert "Partially refunded $10.00 INV-1" in text_of(response)
    assert "invoice.stripe.com" not in response.text


def test_long_history_is_paginated(browser, ada):
    Payment.objects.bulk_create(
        Payment(stripe_id=f"in_{n}", user=ada, status="paid", amount=100, currency="usd") for n in range(45)
    )
    assert "?page=2" in browser.get("/billing").text
    for page in ("3", "9", "x"):
        assert browser.get(f"/billing?page={page}").status_code == 200


def test_checkout_button_leads_to_stripe(browser, stripe_api):
    response = browser.post("/billing/checkout", {"plan": "pro"})
    [session] = stripe_api.sessions.values()
    assert (response.status_code, response["Location"]) == (303, session["url"])


def test_portal_button_leads_to_stripe(browser, customer):
    response = browser.post("/billing/portal")
    assert response.status_code == 303
    assert response["Location"].startswith("https://billing.stripe.com/p/session/")


def test_policy_allows_forms_to_reach_stripe(browser, db):
    policy = browser.get("/billing")["Content-Security-Policy"]
    assert "form-action 'self' https://checkout.stripe.com https://billing.stripe.com" in policy
    assert "stripe" not in browser.get("/dashboard")["Content-Security-Policy"]


@pytest.mark.parametrize("plan", ["gold", ""])
def test_refusal_is_shown_on_the_page(browser, stripe_api, plan):
    response = browser.post("/billing/checkout", {"plan": plan}, follow=True)
    assert response.redirect_chain == [("/billing", 303)]
    assert "There's no such plan. Choose one of these: pro." in text_of(response)


def test_unreachable_stripe_is_explained(browser, stripe_api):
    stripe_api.faults = ["500"] * 3
    assert "We can't reach Stripe right now." in text_of(
        browser.post("/billing/checkout", {"plan": "pro"}, follow=True)
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("done", "Stripe will confirm your payment in a moment."),
        ("cancelled", "haven't been charged"),
        ("x", "Billing"),
    ],
)
def test_return_from_stripe_is_explained(browser, query, expected):
    assert expected in text_of(browser.get(f"/billing?checkout={query}"))


def test_return_after_the_event_shows_active_plan(browser, subscribe):
    subscribe()
    assert "Your plan is active." in text_of(browser.get("/billing?checkout=done"))


def test_viewing_changes_nothing(browser, stripe_api):
    for path in ("/billing/checkout", "/billing/portal"):
        assert browser.get(path).status_code == 405
    browser.get("/billing?checkout=done&session_id=cs_1")
    assert stripe_api.requests == []


def test_forged_form_is_refused(ada):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post("/billing/checkout", {"plan": "pro"}).status_code == 403


def test_dashboard_shows_the_plan(browser, subscribe):
    assert "Choose a plan" in text_of(browser.get("/dashboard"))
    subscribe()
    assert "Pro Active" in text_of(browser.get("/dashboard"))
    assert 'href="/billing"' in browser.get("/dashboard").text


def test_page_is_available_in_german(browser, ada, subscribe):
    type(ada).objects.update(language="de")
    subscribe()
    text = text_of(browser.get("/billing"))
    assert "29,00 $ pro Monat" in text
    assert "Die nächste Abbuchung ist am" in text
    assert "Zahlungen" in text


def test_every_live_subscription_is_shown_with_its_charge(browser, subscribe, customer):
    subscribe()
    later = timezone.now() + timedelta(days=40)
    values = {"price_id": PRICE, "recurring_amount": 9900, "currency": "usd", "interval": "month", "quantity": 2}
    Subscription.objects.create(pk="sub_2", customer=customer, status="active", current_period_end=later, **values)
    Subscription.objects.create(pk="sub_3", customer=customer, status="canceled", price_id=PRICE)
    for page in ("/billing", "/dashboard"):
        text = text_of(browser.get(page))
        assert "$29.00 per month" in text
        assert "2 × Pro Active $99.00 per month" in text
        assert text.count("Your next charge is on") == 2
