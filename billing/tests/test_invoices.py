"""Invoices stay reachable: each visit gets a fresh link from Stripe, or the stored one while it works."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Payment
from billing.tests.support.api_client import BillingClient
from billing.tests.support.stripe_events import payload, post_all

PAGE, PDF = "https://invoice.stripe.com/i/fresh", "https://pay.stripe.com/invoice/fresh/pdf"
STORED = "https://invoice.stripe.com/i/stored"
RECEIPT = "https://pay.stripe.com/receipts/fresh"
NOTHING = {"url": "", "pdf_url": ""}


def pay(user, **values):
    fields = {"stripe_id": "in_1", "status": "paid", "amount": 2900, "currency": "usd", "invoice_url": STORED}
    return Payment.objects.create(user=user, **{**fields, **values})


@pytest.fixture
def browser(ada):
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def invoice(ada, stripe_api):
    stripe_api.invoices["in_1"] = {"id": "in_1", "hosted_invoice_url": PAGE, "invoice_pdf": PDF}
    return pay(ada)


@pytest.fixture
def old_invoice(invoice):
    Payment.objects.update(created_at=timezone.now() - timedelta(days=31))
    return invoice


def test_page_leads_to_the_fresh_pdf(browser, old_invoice):
    assert f'href="/billing/invoices/{old_invoice.pk}/pdf"' in browser.get("/billing").text
    for suffix, expected in (("", PAGE), ("/", PAGE), ("/pdf", PDF), ("/pdf/", PDF)):
        response = browser.get(f"/billing/invoices/{old_invoice.pk}{suffix}")
        assert (response.status_code, response["Location"]) == (303, expected)
        assert "no-store" in response["Cache-Control"]


def test_api_returns_fresh_links(old_invoice, ada_api):
    assert ada_api.get(f"payments/{old_invoice.pk}/invoice/").json() == {"url": PAGE, "pdf_url": PDF}


def test_open_invoice_leads_to_the_page_where_it_can_be_paid(browser, ada, invoice):
    Payment.objects.update(status="failed", number="8E3F2A91-0002")
    assert f'href="/billing/invoices/{invoice.pk}"' in browser.get("/billing").text


def test_invoices_of_others_do_not_exist(invoice, stripe_api):
    bob = User.objects.create_user("bob@own.example", "correct horse battery")
    client = Client()
    client.force_login(bob)
    for path in (f"/billing/invoices/{invoice.pk}", f"/billing/invoices/{invoice.pk}/pdf", "/billing/invoices/999/pdf"):
        assert client.get(path).status_code == 404
    assert BillingClient(bob).get(f"payments/{invoice.pk}/invoice/").status_code == 404
    assert BillingClient(bob).get(f"payments/{'9' * 18}/invoice/").status_code == 404
    assert stripe_api.requests == []


def test_strangers_have_to_log_in(invoice, stripe_api):
    response = Client().get(f"/billing/invoices/{invoice.pk}/pdf")
    assert response["Location"].startswith("/login")
    assert BillingClient().get(f"payments/{invoice.pk}/invoice/").status_code == 401
    assert stripe_api.requests == []


FAULTS = ["500", "503", "429;retry-after=7", "timeout-before", "cut-after", "rubbish", "list", "401", "403", "503-html"]


@pytest.mark.parametrize("fault", FAULTS)
def test_stored_link_helps_during_an_outage(browser, invoice, ada_api, stripe_api, fault):
    stripe_api.faults = [fault] * 6
    assert browser.get(f"/billing/invoices/{invoice.pk}/pdf")["Location"] == STORED
    stripe_api.faults = [fault] * 6
    assert ada_api.get(f"payments/{invoice.pk}/invoice/").json() == {"url": STORED, "pdf_url": ""}


@pytest.mark.parametrize("fault", FAULTS)
def test_outage_without_a_stored_link_is_explained(browser, old_invoice, ada_api, stripe_api, fault):
    stripe_api.faults = [fault] * 6
    response = browser.get(f"/billing/invoices/{old_invoice.pk}/pdf")
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "We can&#x27;t get this invoice from Stripe right now." in response.text
    stripe_api.faults = [fault] * 6
    answer = ada_api.get(f"payments/{old_invoice.pk}/invoice/")
    assert (answer.status_code, answer.json()["code"]) == (503, "invoice_unavailable")
    assert int(answer["Retry-After"]) > 0


def test_without_a_key_only_the_stored_link_is_left(browser, ada, settings):
    payment = pay(ada)
    assert f'href="{STORED}"' in browser.get("/billing").text
    assert browser.get(f"/billing/invoices/{payment.pk}/pdf")["Location"] == STORED
    Payment.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert "invoice.stripe.com" not in browser.get("/billing").text
    assert browser.get(f"/billing/invoices/{payment.pk}/pdf").status_code == 404


def test_link_counts_from_the_payment_if_its_event_was_late(browser, ada, settings):
    payment = pay(ada, paid_at=timezone.now() - timedelta(days=31))
    assert browser.get(f"/billing/invoices/{payment.pk}").status_code == 404


UNSAFE = [
    "http://invoice.stripe.com/i/1",
    "https://stripe.com.evil.example/i",
    "https://evilstripe.com/i",
    "https://invoice.stripe.com@evil.example/",
    "https://user@invoice.stripe.com/",
    "https://invoice.stripe.com:8443/",
    "https://evil.example\\@invoice.stripe.com/",
    "//invoice.stripe.com/",
    "javascript:alert(1)",
    "https://[::1",
    "https://invoice.stripe.com:port/",
    "",
    None,
    7,
]


@pytest.mark.parametrize("url", UNSAFE)
def test_redirects_lead_only_to_stripe(browser, old_invoice, ada_api, stripe_api, url):
    stripe_api.invoices["in_1"] |= {"hosted_invoice_url": url, "invoice_pdf": url}
    assert browser.get(f"/billing/invoices/{old_invoice.pk}/pdf").status_code == 404
    assert ada_api.get(f"payments/{old_invoice.pk}/invoice/").json() == NOTHING


def test_unsafe_stored_link_is_not_followed(browser, ada, settings):
    payment = pay(ada, invoice_url="https://evil.example/i")
    assert "evil.example" not in browser.get("/billing").text
    assert browser.get(f"/billing/invoices/{payment.pk}").status_code == 404


def test_stand_in_may_serve_its_own_pages(browser, old_invoice, stripe_api):
    page = f"{stripe_api.url}/i/in_1"
    stripe_api.invoices["in_1"] |= {"hosted_invoice_url": page, "invoice_pdf": None}
    assert browser.get(f"/billing/invoices/{old_invoice.pk}/pdf")["Location"] == page


def test_invoice_that_stripe_does_not_know_is_missing(browser, old_invoice, ada_api, stripe_api):
    del stripe_api.invoices["in_1"]
    assert browser.get(f"/billing/invoices/{old_invoice.pk}/pdf").status_code == 404
    assert ada_api.get(f"payments/{old_invoice.pk}/invoice/").json() == NOTHING


# Sales without an invoice


@pytest.mark.parametrize("names", [{"charge": "ch_1"}, {"payment_intent": "pi_1"}])
def test_sale_shows_its_receipt(browser, ada, ada_api, stripe_api, names):
    stripe_api.charges["ch_1"] = {"id": "ch_1", "object": "charge", "receipt_url": RECEIPT}
    stripe_api.payment_intents["pi_1"] = {"id": "pi_1", "object": "payment_intent", "latest_charge": "ch_1"}
    payment = pay(ada, stripe_id="cs_1", invoice_url="", **names)
    text = browser.get("/billing").text
    assert f'href="/billing/invoices/{payment.pk}/pdf" rel="noreferrer">Receipt</a>' in text
    assert browser.get(f"/billing/invoices/{payment.pk}/pdf")["Location"] == RECEIPT
    assert ada_api.get(f"payments/{payment.pk}/invoice/").json() == {"url": RECEIPT, "pdf_url": ""}


@pytest.mark.parametrize("values", [{}, {"status": "failed", "payment_intent": "pi_1"}])
def test_sale_without_a_receipt_shows_nothing(browser, ada, stripe_api, values):
    payment = pay(ada, stripe_id="cs_1", invoice_url="", **values)
    assert "/billing/invoices/" not in browser.get("/billing").text
    assert browser.get(f"/billing/invoices/{payment.pk}/pdf").status_code == 404
    assert stripe_api.requests == []


def test_payment_intent_without_a_charge_has_no_receipt(browser, ada, stripe_api):
    stripe_api.payment_intents["pi_1"] = {"id": "pi_1", "object": "payment_intent", "latest_charge": None}
    payment = pay(ada, stripe_id="cs_1", invoice_url="", payment_intent="pi_1")
    assert browser.get(f"/billing/invoices/{payment.pk}/pdf").status_code == 404


def test_visits_share_the_limit_of_all_calls_to_stripe(browser, invoice, ada_api, settings):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {"billing": "2/hour"}}
    assert browser.get(f"/billing/invoices/{invoice.pk}/pdf").status_code == 303
    assert ada_api.get(f"payments/{invoice.pk}/invoice/").status_code == 200
    assert browser.get(f"/billing/invoices/{invoice.pk}").status_code == 429
    assert ada_api.get(f"payments/{invoice.pk}/invoice/").status_code == 429


def test_pages_only_read(browser, invoice):
    assert browser.post(f"/billing/invoices/{invoice.pk}/pdf").status_code == 405


def test_every_invoice_is_listed(browser, ada, stripe_api):
    post_all([payload("invoice_paid_first"), payload("invoice_payment_failed_renewal")])
    assert browser.get("/billing").text.count("/billing/invoices/") == 2
