"""One receipt per payment, no matter which of Stripe's events report the payment, and in which order.

``payload("invoice_paid_first")`` reads an event as Stripe documents it from payloads/, ``changed()`` returns a copy
with other values, and ``post()`` signs an event and posts it to our webhook. ``queued_emails()`` returns billing's
emails in the outbox by idempotency key. The key of a receipt is ``receipt:`` and the ID of the invoice.
"""

import json
from itertools import permutations

import pytest
from django.db import transaction

from accounts.models import User
from billing.models import Payment, StripeEvent, Subscription
from billing.tests.support.stripe_events import GENERATIONS, Event, changed, payload, post, post_all
from billing.webhook import processing

INVOICE = "in_1SPb7xKq4RtYw2VdA1b2C3d4"
RECEIPT = f"receipt:{INVOICE}"


def payment_event(event_type: str) -> Event:
    """Return an event about the payment itself. Stripe sends such events in addition to those about the invoice."""
    intent = {"id": "pi_3SPb7yKq4RtYw2Vd0aBcDeFg", "amount": 2900, "currency": "usd", "customer": "cus_TLm3kQ8sVb2XyZ"}
    return {**payload("invoice_paid_first"), "id": f"evt_{event_type}", "type": event_type, "data": {"object": intent}}


def first_payment() -> list[Event]:
    """Return the six events that Stripe sends about the first payment through Checkout."""
    names = ["checkout_session_completed_subscription", "invoice_paid_first", "invoice_payment_succeeded_first"]
    events = [payload(name) for name in [*names, "invoice_payment_paid"]]
    return [*events, payment_event("payment_intent.succeeded"), payment_event("charge.succeeded")]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_paid_invoice_sends_a_receipt(ada, queued_emails, generation):
    assert post(payload("invoice_paid_first", generation)).status_code == 200
    email = queued_emails()[RECEIPT]
    assert email.recipients == "ada@own.example"
    assert email.metadata["user_id"] == "7"
    assert email.subject == "Your receipt from Acme: $29.00"
    for expected in (
        "1 × Pro (at $29.00 / month): $29.00",
        "8E3F2A91-0001",
        "Nov. 2, 2026",
        "https://invoice.stripe.com/",
    ):
        assert expected in email.message.text


def test_receipt_uses_the_users_language(ada, queued_emails):
    User.objects.update(language="de")
    post(payload("invoice_paid_first"))
    email = queued_emails()[RECEIPT]
    assert email.subject == "Ihr Zahlungsbeleg von Acme: 29,00 $"
    assert "Bezahlt: 29,00 $" in email.message.text
    assert "2. November 2026" in email.message.text


@pytest.mark.parametrize("step", [12, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_six_events_send_one_receipt_in_any_order(ada, queued_emails, step):
    orders = list(permutations(json.dumps(event).encode() for event in first_payment()))  # 720
    for order in orders[::step]:
        with transaction.atomic():
            for body in order:
                processing.receive(body)
            assert list(queued_emails()) == [RECEIPT]
            assert Payment.objects.get().user_id == 7
            assert Subscription.objects.get().customer_id == "cus_TLm3kQ8sVb2XyZ"
            transaction.set_rollback(True)


def test_repeated_event_changes_nothing(ada, queued_emails):
    event = payload("invoice_paid_first")
    assert post_all([event, event, event]) == [200, 200, 200]
    assert len(queued_emails()) == 1
    assert Payment.objects.count() == 1
    assert StripeEvent.objects.count() == 1


def test_two_events_about_one_payment_send_one_receipt(ada, queued_emails):
    post_all(
        [
            payload("invoice_paid_first"),
            changed(payload("invoice_paid_first")),
            payload("invoice_payment_succeeded_first"),
        ]
    )
    assert list(queued_emails()) == [RECEIPT]


def test_no_receipt_for_zero_amount(ada, queued_emails):
    post(changed(payload("invoice_paid_first"), amount_paid=0, amount_due=0, total=0))
    assert (queued_emails(), Payment.objects.count()) == ({}, 0)


@pytest.mark.parametrize("status", ["open", "void", "uncollectible", "draft", None])
def test_no_receipt_for_unpaid_invoice(ada, queued_emails, status):
    post(changed(payload("invoice_paid_first"), status=status))
    assert queued_emails() == {}


def test_sale_without_invoice_sends_its_own_receipt(db, queued_emails):
    """A one-time payment has no invoice, so the event about its Checkout session must send the receipt."""
    post(payload("checkout_session_completed_payment_guest"))
    email = queued_emails()["receipt:cs_live_b1guestB2c3D4e5F6g7H8"]
    assert email.recipients == "guest@example.net"
    assert "€52.92" in email.subject


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"payment_status": "unpaid"}, id="unpaid"),
        pytest.param({"payment_status": "no_payment_required"}, id="nothing to pay"),
        pytest.param({"amount_total": 0}, id="zero amount"),
        pytest.param({"invoice": "in_x"}, id="sale with an invoice"),  # the events about the invoice send the receipt
    ],
)
def test_no_receipt_for_unpaid_or_invoiced_sale(db, queued_emails, change):
    post(changed(payload("checkout_session_completed_payment_guest"), **change))
    assert queued_emails() == {}


def test_delayed_payment_sends_its_receipt_on_arrival(db, queued_emails):
    """A SEPA direct debit arrives days after the Checkout session is complete."""
    unpaid = payload("checkout_session_completed_payment_unpaid")
    post(unpaid)
    assert queued_emails() == {}
    post(changed(unpaid, "checkout.session.async_payment_succeeded", payment_status="paid"))
    assert list(queued_emails()) == ["receipt:cs_live_c1sepaD2e3F4g5H6i7J8"]


def test_failed_delayed_payment_sends_one_email(db, queued_emails):
    failed = payload("checkout_session_async_payment_failed")
    post_all([failed, failed, changed(failed)])
    [email] = queued_emails().values()
    assert (email.kind, email.idempotency_key) == ("checkout_failed", "failed:cs_live_c1sepaD2e3F4g5H6i7J8")


def test_receipt_shows_the_presented_currency(db, queued_emails):
    # With Adaptive Pricing, Stripe shows buyers the price in their own currency and charges that amount.
    presented = {"presentment_amount": 5800, "presentment_currency": "cad"}
    post(changed(payload("checkout_session_completed_payment_guest"), presentment_details=presented))
    [email] = queued_emails().values()
    assert "CA$58.00" in email.subject
    assert "€" not in email.subject + email.message.text


def test_receipt_lists_every_line_and_tax(ada, queued_emails):
    invoice = payload("invoice_paid_first")
    [line] = invoice["data"]["object"]["lines"]["data"]
    lines = [line, {**line, "description": "Unused time", "amount": -500}]
    post(changed(invoice, lines={"data": lines}, total_taxes=[{"amount": 300}, {"amount": 163}], amount_paid=2863))
    text = queued_emails()[RECEIPT].message.text
    assert "Unused time: -$5.00" in text
    assert "Tax: $4.63" in text


def test_receipt_explains_discount_and_credit(ada, queued_emails):
    discount = [{"amount": 500}]
    reduced = changed(payload("invoice_paid_first"), total_discount_amounts=discount, amount_paid=2100)
    post(changed(reduced, starting_balance=-300, ending_balance=0))
    text = queued_emails()[RECEIPT].message.text
    assert "Discount: -$5.00\nCredit: -$3.00\nPaid: $21.00" in text


def test_unknown_customer_gets_receipt_at_the_events_address(db, queued_emails):
    post(payload("invoice_paid_first"))
    email = queued_emails()[RECEIPT]
    assert (email.recipients, email.person) == ("ada@example.com", None)


@pytest.mark.parametrize(
    "email",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param("nobody", id="no domain"),
        pytest.param("a@b c", id="space"),
        pytest.param("a@b\r\nBcc: eve@example.com", id="line break that would add a header"),
        pytest.param("ä@example.com", id="mailbox that isn't ASCII"),  # no provider accepts it
        pytest.param(7, id="number"),
    ],
)
def test_unusable_address_gets_no_receipt(db, queued_emails, email):
    assert post(changed(payload("invoice_paid_first"), customer_email=email)).status_code == 200
    assert (queued_emails(), StripeEvent.objects.get().status) == ({}, "received")


def test_receipt_without_address_waits_until_one_is_known(db, queued_emails, django_capture_on_commit_callbacks):
    assert post(changed(payload("invoice_paid_first"), customer_email=None)).status_code == 200
    event = StripeEvent.objects.get()
    assert event.status == "received"
    assert event.waits_for == "cus_TLm3kQ8sVb2XyZ"
    assert queued_emails() == {}
    assert Payment.objects.get().is_paid
    with django_capture_on_commit_callbacks(execute=True):
        post(payload("invoice_payment_succeeded_first"))
    assert list(queued_emails()) == [RECEIPT]
    event.refresh_from_db()
    assert event.status == "processed"
