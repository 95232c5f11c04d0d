"""The page /billing, as a browser without scripts uses it."""

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
    client = Client(enforce_csrf_checks=False)
    client.force_login(ada)
    return client


@pytest.fixture
def customer(ada, stripe):
    return Customer.objects.create(pk=stripe.create_customer({"email": ada.email})["id"], user=ada)


@pytest.fixture
def subscribe(customer):
    def subscribe(**values):
        values = {"status": "active", "current_period_end": timezone.now() + timedelta(days=9), **values}
        Subscription.objects.create(
            pk="sub_1", customer=customer, price_id=PRICE, unit_amount=2900, currency="usd", interval="month", **values
        )

    return subscribe


def test_strangers_log_in_first(client, db):
    assert client.get("/billing")["Location"] == "/login?next=/billing"
    assert client.post("/billing/checkout", {"plan": "pro"})["Location"].startswith("/login")


def test_whoever_has_nothing_chooses(browser):
    answer = browser.get("/billing/")
    text = text_of(answer)
    assert "Pro 29.00 USD per month" in text
    assert "Choose Pro" in text
    assert "Your payments will appear here." in text
    assert "Manage subscription" not in text


def test_plan_state_and_next_charge(browser, subscribe):
    subscribe(quantity=2)
    text = text_of(browser.get("/billing"))
    assert "Pro Active" in text
    assert "58.00 USD per month" in text
    assert "Your next charge is on" in text
    assert "Manage subscription" in text
    assert "Choose Pro" not in text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "past_due"}, "Your last payment failed"),
        ({"status": "unpaid"}, "You don't have access right now"),
        ({"cancel_at": timezone.now()}, "Your subscription ends on"),
        ({"status": "trialing", "trial_end": timezone.now()}, "Your trial ends on"),
        ({"status": "canceled", "ended_at": timezone.now()}, "Choose Pro"),
        ({"status": "a_new_word"}, "a_new_word"),
    ],
)
def test_each_state_in_words(browser, subscribe, values, words):
    subscribe(**values)
    assert words in text_of(browser.get("/billing"))


def test_the_history(browser):
    post_all([payload("invoice_paid_first"), payload("invoice_payment_failed_renewal")])
    answer = browser.get("/billing")
    assert "Nov. 2, 2026 Pro 29.00 USD Paid" in text_of(answer)
    assert "29.00 USD Failed" in text_of(answer)
    assert 'href="https://invoice.stripe.com/' in answer.text


def test_a_refund_and_an_invoice_that_is_gone(browser, ada):
    payment = Payment.objects.create(
        stripe_id="in_1", user=ada, status="paid", amount=2900, currency="usd", charge="ch_1", number="INV-1",
        invoice_url="https://invoice.stripe.com/i/old",
    )  # fmt: skip
    payment.created_at = timezone.now() - timedelta(days=31)
    payment.save()
    refund = payload("invoice_paid_first") | {"id": "evt_refund", "type": "refund.created"}
    refund["data"] = {
        "object": {"id": "re_1", "charge": "ch_1", "amount": 1000, "currency": "usd", "status": "succeeded"}
    }
    post_all([refund])
    answer = browser.get("/billing")
    assert "Partially refunded 10.00 USD INV-1" in text_of(answer)
    assert "invoice.stripe.com" not in answer.text


def test_a_long_history_has_pages(browser, ada):
    Payment.objects.bulk_create(
        Payment(stripe_id=f"in_{n}", user=ada, status="paid", amount=100, currency="usd") for n in range(45)
    )
    assert "?page=2" in browser.get("/billing").text
    for page in ("3", "9", "x"):
        assert browser.get(f"/billing?page={page}").status_code == 200


def test_the_button_leads_to_stripe(browser, stripe):
    answer = browser.post("/billing/checkout", {"plan": "pro"})
    [session] = stripe.sessions.values()
    assert (answer.status_code, answer["Location"]) == (303, session["url"])


def test_the_other_button_too(browser, customer):
    answer = browser.post("/billing/portal")
    assert answer.status_code == 303
    assert answer["Location"].startswith("https://billing.stripe.com/p/session/")


def test_the_policy_lets_the_forms_end_there(browser, db):
    policy = browser.get("/billing")["Content-Security-Policy"]
    assert "form-action 'self' https://checkout.stripe.com https://billing.stripe.com" in policy
    assert "stripe" not in browser.get("/dashboard")["Content-Security-Policy"]


@pytest.mark.parametrize("plan", ["gold", ""])
def test_what_is_refused_is_said_on_the_page(browser, stripe, plan):
    answer = browser.post("/billing/checkout", {"plan": plan}, follow=True)
    assert answer.redirect_chain == [("/billing", 303)]
    assert "There's no such plan. Choose one of these: pro." in text_of(answer)


def test_stripe_is_away(browser, stripe):
    stripe.faults = ["500"] * 3
    assert "We can't reach Stripe right now." in text_of(
        browser.post("/billing/checkout", {"plan": "pro"}, follow=True)
    )


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("done", "Stripe will confirm your payment in a moment."),
        ("cancelled", "haven't been charged"),
        ("x", "Billing"),
    ],
)
def test_coming_back_from_stripe(browser, query, words):
    assert words in text_of(browser.get(f"/billing?checkout={query}"))


def test_coming_back_when_stripe_has_told(browser, subscribe):
    subscribe()
    assert "Your plan is active." in text_of(browser.get("/billing?checkout=done"))


def test_looking_changes_nothing(browser, stripe):
    for path in ("/billing/checkout", "/billing/portal"):
        assert browser.get(path).status_code == 405
    browser.get("/billing?checkout=done&session_id=cs_1")
    assert stripe.asked == []


def test_forms_of_other_sites_are_refused(ada):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post("/billing/checkout", {"plan": "pro"}).status_code == 403


def test_the_dashboard_tells_of_the_plan(browser, subscribe):
    assert "Choose a plan" in text_of(browser.get("/dashboard"))
    subscribe()
    assert "Pro Active" in text_of(browser.get("/dashboard"))
    assert 'href="/billing"' in browser.get("/dashboard").text


def test_in_german(browser, ada, subscribe):
    type(ada).objects.update(language="de")
    subscribe()
    text = text_of(browser.get("/billing"))
    assert "29,00 USD pro Monat" in text
    assert "Die nächste Abbuchung ist am" in text
    assert "Zahlungen" in text
