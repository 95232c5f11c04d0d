"""A person who is past due sees what to pay on every page and in the API, as long as the newest state says so."""

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import permutations

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format
from django.utils.translation import override

from accounts.hooks import banners
from accounts.models import User
from accounts.tests.support.browser import text_of
from billing.models import Payment, Subscription
from billing.pages.display import due_banner
from billing.tests.support.api_client import BillingClient
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

NOW = int(time.time())
DAY = 86400
SUBSCRIPTION, INVOICE = "sub_1SPb7zKq4RtYw2Vd", "in_1SaT00Kq4RtYw2VdRenewal02"
LINK = "https://invoice.stripe.com/i/acct_1Example/live_YWNjdF8x?s=ap"
PAGES = ["/", "/dashboard", "/billing", "/settings", "/settings/email", "/settings/password", "/nothing"]
FAILED = "Your payment of $29.00 for Pro failed."
CONFIRM = "Your bank asks you to confirm your payment of $29.00 for Pro."


def failed(generation="new", event_type="", **values):
    event = payload("invoice_payment_failed_renewal", generation)
    return changed(event, event_type, **{"next_payment_attempt": NOW + 3 * DAY, "created": NOW - 60, **values})


def subscription(generation="new", status="past_due", **values):
    event = payload("customer_subscription_created", generation)
    values = {"status": status, "latest_invoice": INVOICE, "created": NOW - 60, **values}
    return changed(event, "customer.subscription.updated", **values)


def needs_action(generation="new", **values):
    return failed(generation, "invoice.payment_action_required", **values)


@pytest.fixture
def browser(ada):
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def due(ada):
    """Provide a function that returns ``payment_due`` of the API."""
    return lambda: BillingClient(ada).get("subscription/").json()["payment_due"]


def banner_on(browser, path="/settings"):
    """Return the banner's text and the target of its button, or two empty strings."""
    html = browser.get(path).content.decode()
    _, found, rest = html.partition('<aside class="banner')
    if not found:
        return "", ""
    banner = rest.partition("</aside>")[0]
    assert banner.count("<a ") == 1
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", f"<aside{banner}")).split())
    return text, banner.partition('href="')[2].partition('"')[0].replace("&amp;", "&")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_page_shows_the_banner(browser, due, generation):
    post_all([subscription(generation), failed(generation)])
    for path in PAGES:
        text, link = banner_on(browser, path)
        assert (FAILED in text, "Pay now" in text, link) == (True, True, LINK), path
    found = due()
    assert (found["amount"], found["currency"], found["display_amount"]) == (2900, "usd", "$29.00")
    assert (found["plan"]["slug"], found["needs_action"], found["url"]) == ("pro", False, LINK)
    assert found["next_attempt_at"] == datetime.fromtimestamp(NOW + 3 * DAY, UTC).isoformat().replace("+00:00", "Z")


def test_german_banner(ada, browser):
    post_all([subscription(), failed()])
    User.objects.update(language="de")
    text, _ = banner_on(browser)
    assert "Ihre Zahlung von 29,00 $ für Pro ist fehlgeschlagen." in text
    assert "Jetzt bezahlen" in text


@pytest.mark.parametrize("generation", GENERATIONS)
def test_confirmation_looks_different_from_a_failure(ada, browser, due, admin_client, generation):
    events = [subscription(generation), failed(generation), needs_action(generation)]
    for order in permutations(events):
        with transaction.atomic():
            post_all([changed(event, created=event["created"]) for event in order])
            text, link = banner_on(browser)
            assert (CONFIRM in text, "Confirm payment" in text, FAILED in text, link) == (True, True, False, LINK)
            assert due()["needs_action"] is True
            assert BillingClient(ada).get("payments/").json()["results"][0]["needs_action"] is True
            page = text_of(browser.get("/billing"))
            assert page.count("Awaiting your confirmation") == 2  # the subscription's badge, and the payment's
            assert "update your card" not in page
            row = Payment.objects.get()
            assert (
                "Awaits confirmation" in admin_client.get(f"/admin/billing/payment/{row.pk}/change/").content.decode()
            )
            transaction.set_rollback(True)


def test_next_attempt_that_fails_is_a_failure_again(browser):
    post_all([subscription(), needs_action(), failed(attempt_count=2)])
    assert FAILED in banner_on(browser)[0]
    post(needs_action())  # late
    assert FAILED in banner_on(browser)[0]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(failed(event_type="invoice.paid", status="paid", amount_paid=2900), id="paid"),
        pytest.param(failed(event_type="invoice.paid", status="paid", amount_due=0), id="nothing due"),
        pytest.param(failed(event_type="invoice.voided", status="void"), id="voided"),
        pytest.param(failed(event_type="invoice.marked_uncollectible", status="uncollectible"), id="written off"),
        pytest.param(subscription(status="active", created=NOW), id="active again"),
        pytest.param(subscription(status="canceled", created=NOW), id="ended"),
    ],
)
def test_banner_disappears_with_the_newest_state(browser, due, event):
    for order in permutations([subscription(), failed(), event]):
        with transaction.atomic():
            post_all([changed(part, created=part["created"]) for part in order])
            assert (banner_on(browser), due()) == (("", ""), None), [part["type"] for part in order]
            transaction.set_rollback(True)


def test_older_unpaid_invoice_is_still_due_after_a_newer_one_was_paid(browser):
    post_all([subscription(), failed(id="in_older", created=NOW - 40 * DAY, amount_due=1900), failed()])
    post(failed(event_type="invoice.paid", status="paid", amount_paid=2900))
    assert "$19.00" in banner_on(browser)[0]


def test_no_sum_is_named_without_an_invoice(browser, due):
    post(subscription())
    text, link = banner_on(browser)
    assert "Your payment for Pro failed." in text
    assert ("29.00" in text, link) == (False, "/billing/pay")
    assert (due()["amount"], due()["display_amount"], due()["url"]) == (None, "", "")


def test_no_plan_is_named_for_an_unknown_price(browser, settings):
    settings.BILLING_PLANS = []
    post_all([subscription(), failed()])
    assert "Your payment of $29.00 failed." in banner_on(browser)[0]


@pytest.mark.parametrize("language", ["en", "de"])
def test_end_of_access_is_named(ada, browser, due, settings, language):
    settings.BILLING_GRACE_DAYS = 7
    post_all([subscription(), failed()])
    User.objects.update(language=language)
    end = datetime.fromtimestamp(NOW - 60, UTC) + timedelta(days=7)
    with override(language):
        assert date_format(end, "DATE_FORMAT") in banner_on(browser)[0]
    assert due()["access_ends_at"] == end.isoformat().replace("+00:00", "Z")


def test_suspended_access_is_named(browser, due, settings):
    settings.BILLING_GRACE_DAYS = 0
    post_all([subscription(), failed()])
    assert "You'll have access again once it arrives." in banner_on(browser)[0]
    assert "You don't have access right now." in text_of(browser.get("/billing"))
    assert (due()["is_suspended"], due()["access_ends_at"]) == (True, None)


def test_end_that_comes_first_is_not_named_as_the_consequence(browser, due, settings):
    settings.BILLING_GRACE_DAYS = 7
    post_all([subscription(cancel_at=NOW + DAY), failed()])
    assert "Without a payment" not in banner_on(browser)[0]
    assert due()["access_ends_at"] is None


def test_nobody_else_sees_it(ada, django_user_model):
    post_all([subscription(), failed()])
    bob = django_user_model.objects.create_user("bob@own.example", "correct horse battery")
    client = Client()
    assert banner_on(client, "/login") == ("", "")
    client.force_login(bob)
    assert banner_on(client) == ("", "")


def test_declined_card_in_checkout_shows_nothing(browser):
    post_all([subscription(status="incomplete"), failed(billing_reason="subscription_create")])
    assert banner_on(browser) == ("", "")


@pytest.mark.parametrize("is_due", [False, True])
def test_banner_takes_one_query(ada, rf, is_due):
    if is_due:
        post_all([subscription(), failed()])
    request = rf.get("/settings")
    request.user = ada
    with CaptureQueriesContext(connection) as queries:
        assert bool(due_banner(request)) is is_due
    assert len(queries) == 1
    assert due_banner in banners


def test_anonymous_visitors_cause_no_query(db, client):
    with CaptureQueriesContext(connection) as queries:
        client.get("/login")
    assert len(queries) == 0


# The page to pay on


def test_button_leads_to_the_invoice(browser, ada):
    post_all([subscription(), failed()])
    assert browser.get("/billing/pay")["Location"] == LINK
    assert BillingClient(ada).post("pay/", {}).json() == {"url": LINK}


def expire_link():
    Payment.objects.update(created_at=datetime.now(UTC) - timedelta(days=31))


def test_expired_link_is_replaced_by_a_fresh_one(browser, stripe_api, due):
    post_all([subscription(), failed()])
    expire_link()
    stripe_api.invoices[INVOICE] = {"id": INVOICE, "status": "open", "hosted_invoice_url": f"{LINK}&fresh"}
    assert banner_on(browser)[1] == f"/billing/pay?invoice={INVOICE}"
    assert due()["url"] == ""
    assert browser.get(f"/billing/pay?invoice={INVOICE}")["Location"] == f"{LINK}&fresh"


@pytest.mark.parametrize("invoice", [None, {"id": INVOICE, "status": "open", "hosted_invoice_url": None}])
def test_without_a_link_the_portal_opens(browser, stripe_api, invoice):
    post_all([subscription(), failed()])
    expire_link()
    customer = Subscription.objects.get().customer_id
    stripe_api.customers[customer] = {"id": customer, "object": "customer"}
    if invoice:
        stripe_api.invoices[INVOICE] = invoice
    assert browser.get("/billing/pay")["Location"].startswith("https://billing.stripe.com/")


def test_invoice_that_was_paid_meanwhile_is_not_paid_again(browser, ada, stripe_api):
    post_all([subscription(), failed()])
    expire_link()
    stripe_api.invoices[INVOICE] = {"id": INVOICE, "status": "paid", "hosted_invoice_url": LINK}
    response = browser.get("/billing/pay", follow=True)
    assert response.redirect_chain == [("/billing", 303)]
    assert "There's nothing to pay right now." in text_of(response)
    assert BillingClient(ada).post("pay/", {}).status_code == 409


@pytest.mark.parametrize("invoice", ["in_of_somebody_else", "é" * 500, "../..", "\x00"])
def test_only_own_invoices_can_be_opened(browser, invoice):
    post_all([subscription(), failed()])
    assert browser.get("/billing/pay", {"invoice": invoice})["Location"] == "/billing"


def test_paying_nothing_is_refused(ada, browser):
    assert BillingClient(ada).post("pay/", {}).json()["code"] == "nothing_due"
    assert browser.post("/billing/pay").status_code == 405
    assert Client().get("/billing/pay")["Location"].startswith("/login")
