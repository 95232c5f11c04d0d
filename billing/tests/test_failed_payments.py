"""Failed payments in any order of events: one row, and an email only if the newest known state still says so."""

import time
from datetime import UTC, datetime
from itertools import permutations

import pytest
from django.db import transaction
from django.test import Client

from accounts.tests.support.browser import text_of
from billing.models import Payment
from billing.tests.support.api_client import BillingClient
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

NOW = int(time.time())
DAY = 86400
SUBSCRIPTION, INVOICE = "sub_1SPb7zKq4RtYw2Vd", "in_1SaT00Kq4RtYw2VdRenewal02"
FIRST = {"billing_reason": "subscription_create", "next_payment_attempt": None}

pytestmark = pytest.mark.parametrize("generation", GENERATIONS)


def failed(generation, event_type="", **values):
    event = payload("invoice_payment_failed_renewal", generation)
    return changed(event, event_type, **{"next_payment_attempt": NOW + 3 * DAY, "created": NOW, **values})


def subscription(generation, **values):
    event = payload("customer_subscription_created", generation)
    return changed(event, "customer.subscription.updated", **{"created": NOW - DAY, **values})


def session(generation, event_type="checkout.session.completed", **values):
    event = payload("checkout_session_completed_subscription", generation)
    return changed(event, event_type, **{"payment_status": "unpaid", "invoice": INVOICE, "created": NOW, **values})


def in_every_order(events):
    """Post the events in every order, each time into an empty database, and yield the order."""
    for order in permutations(events):
        with transaction.atomic():
            post_all([changed(event, created=event["created"]) for event in order])
            yield [event["type"] for event in order]
            transaction.set_rollback(True)


def shown_payments(ada):
    return BillingClient(ada).get("payments/").json()["results"]


@pytest.fixture(autouse=True)
def known_customer(ada, generation):
    """Make the customer known, so that no event of the scenario has to wait for it."""
    post(changed(payload("invoice_paid_first", generation), id="in_earlier", amount_paid=0, amount_due=0))
    post(changed(payload("customer_subscription_created", generation), id="sub_other", status="canceled"))


def test_failed_direct_debit_is_one_payment_and_one_email(ada, queued_emails, generation):
    events = [
        session(generation),
        failed(generation, **FIRST),
        session(generation, "checkout.session.async_payment_failed"),
    ]
    for order in in_every_order(events):
        assert list(queued_emails()) == [f"dunning:{INVOICE}:1"], order
        [payment] = Payment.objects.all()
        assert (payment.stripe_id, payment.status, payment.description) == (INVOICE, "failed", "Pro")


@pytest.mark.parametrize("mode", ["payment", "subscription", "setup"])
def test_session_with_an_invoice_reports_no_failure(ada, queued_emails, generation, mode):
    post(session(generation, "checkout.session.async_payment_failed", mode=mode, subscription=None))
    assert (queued_emails(), Payment.objects.count()) == ({}, 0)


def test_declined_card_in_checkout_sends_nothing(ada, queued_emails, generation):
    incomplete = subscription(generation, status="incomplete")
    for order in in_every_order([incomplete, failed(generation, **FIRST)]):
        assert queued_emails() == {}, order


def test_declined_card_followed_by_a_payment_sends_the_receipt(ada, queued_emails, generation):
    events = [
        subscription(generation, status="incomplete"),
        failed(generation, **FIRST),
        session(generation, payment_status="paid", created=NOW + 5),
        failed(generation, "invoice.paid", **FIRST, status="paid", amount_paid=2900, created=NOW + 5),
    ]
    for order in in_every_order(events):
        assert list(queued_emails()) == [f"receipt:{INVOICE}"], order
        [payment] = Payment.objects.all()
        assert (payment.status, payment.next_attempt_at) == ("paid", None)


def test_only_the_latest_attempt_is_announced(ada, queued_emails, generation):
    later = failed(generation, attempt_count=2, next_payment_attempt=NOW + 5 * DAY)
    post_all([later, failed(generation, next_payment_attempt=NOW + 100)])
    assert list(queued_emails()) == [f"dunning:{INVOICE}:2"]
    assert Payment.objects.get().next_attempt_at == datetime.fromtimestamp(NOW + 5 * DAY, UTC)


def test_past_date_is_not_shown(ada, queued_emails, generation):
    post(failed(generation, next_payment_attempt=NOW - DAY))
    [email] = queued_emails().values()
    assert "try again" not in email.message.text
    client = Client()
    client.force_login(ada)
    assert "next attempt" not in text_of(client.get("/billing"))
    assert shown_payments(ada)[0]["next_attempt_at"] is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"status": "paid"}, id="paid"),
        pytest.param({"status": "void"}, id="void"),
        pytest.param({"status": "uncollectible"}, id="written off"),
        pytest.param({"status": "draft"}, id="draft"),
        pytest.param({"status": None}, id="no status"),
        pytest.param({"amount_due": 0}, id="nothing due"),
        pytest.param({"amount_due": -500}, id="credit"),
        pytest.param({"amount_paid": 2900, "amount_remaining": 0}, id="nothing left"),
        pytest.param({"currency": None}, id="no currency"),
    ],
)
def test_failure_without_an_open_amount_sends_nothing(ada, queued_emails, generation, values):
    for event_type in ("invoice.payment_failed", "invoice.payment_action_required"):
        assert post(failed(generation, event_type, **values)).status_code == 200
    assert queued_emails() == {}


def test_partly_paid_invoice_names_what_is_left(ada, queued_emails, generation):
    post(failed(generation, amount_paid=1000, amount_remaining=1900))
    [email] = queued_emails().values()
    assert "$19.00" in email.subject


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired"])
def test_ended_subscription_causes_no_failure_email(ada, queued_emails, generation, status):
    post_all([subscription(generation, status=status), failed(generation)])
    assert [key for key in queued_emails() if key.startswith("dunning")] == []


def test_failure_before_the_subscription_became_active_again_is_old_news(ada, queued_emails, generation):
    post_all([subscription(generation, status="active", created=NOW + 60), failed(generation)])
    assert queued_emails() == {}


@pytest.mark.parametrize(("status", "has_access"), [("past_due", True), ("active", True), ("unpaid", False)])
def test_access_is_named_only_if_there_is_some(ada, queued_emails, generation, status, has_access):
    post_all([subscription(generation, status=status), failed(generation, next_payment_attempt=None)])
    [email] = queued_emails().values()
    assert ("To keep your access, please pay here." in email.message.text) is has_access


@pytest.mark.parametrize(
    ("event_type", "values", "status"),
    [
        pytest.param("invoice.voided", {"status": "void"}, "canceled", id="voided"),
        pytest.param("invoice.marked_uncollectible", {"status": "uncollectible"}, "uncollectible", id="written off"),
        pytest.param("invoice.paid", {"status": "paid", "amount_paid": 2900}, "paid", id="paid"),
        pytest.param("invoice.paid", {"status": "paid", "amount_due": 0}, "paid", id="nothing due any more"),
        pytest.param("invoice.paid", {"status": "paid", "paid_out_of_band": True}, "paid", id="outside Stripe"),
    ],
)
def test_closed_invoice_is_settled_in_any_order(ada, queued_emails, generation, event_type, values, status):
    closed = failed(generation, event_type, **{"next_payment_attempt": None, **values})
    for order in in_every_order([failed(generation), closed]):
        for payment in shown_payments(ada):
            assert (payment["status"], payment["next_attempt_at"]) == (status, None), order
        assert not Payment.objects.filter(status="failed").exists()
        assert ("dunning" in " ".join(queued_emails())) is (order[0] == "invoice.payment_failed")
        assert "0.00" not in " ".join(email.subject for email in queued_emails().values()).replace("9.00", "")


def test_last_word_about_an_invoice_stands(ada, generation):
    events = [
        failed(generation),
        failed(generation, "invoice.marked_uncollectible", status="uncollectible", next_payment_attempt=None),
        failed(generation, "invoice.paid", status="paid", amount_paid=2900, next_payment_attempt=None),
    ]
    for order in in_every_order(events):
        [payment] = Payment.objects.all()
        assert (payment.status, payment.amount, payment.next_attempt_at) == ("paid", 2900, None), order


def test_voided_invoice_shows_no_failure(ada, generation):
    post_all([failed(generation), failed(generation, "invoice.voided", status="void", next_payment_attempt=None)])
    client = Client()
    client.force_login(ada)
    page = text_of(client.get("/billing"))
    assert "$29.00 Canceled" in page
    assert "Failed" not in page


def test_invoice_canceled_before_any_attempt_is_not_shown(ada, generation):
    post(failed(generation, "invoice.voided", status="void", attempt_count=0, next_payment_attempt=None))
    assert shown_payments(ada) == []
