"""One payment, one receipt, whichever of Stripe's events tell of it, and in whatever order."""

import json
from itertools import permutations

import pytest
from django.db import connection, transaction

from accounts.models import User
from billing.models import Payment, StripeEvent, Subscription
from billing.tests.support.stripe_events import GENERATIONS, Event, changed, payload, post, post_all
from billing.webhook import processing

INVOICE = "in_1SPb7xKq4RtYw2VdA1b2C3d4"
RECEIPT = f"receipt:{INVOICE}"


def money_moved(event_type: str) -> Event:
    """An event about the money alone, which every payment brings along."""
    intent = {"id": "pi_3SPb7yKq4RtYw2Vd0aBcDeFg", "amount": 2900, "currency": "usd", "customer": "cus_TLm3kQ8sVb2XyZ"}
    return {**payload("invoice_paid_first"), "id": f"evt_{event_type}", "type": event_type, "data": {"object": intent}}


def first_payment() -> list[Event]:
    """The six events of a first payment through Checkout."""
    names = ["checkout_session_completed_subscription", "invoice_paid_first", "invoice_payment_succeeded_first"]
    told = [payload(name) for name in [*names, "invoice_payment_paid"]]
    return [*told, money_moved("payment_intent.succeeded"), money_moved("charge.succeeded")]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_paid_invoice_becomes_a_receipt(ada, mails, generation):
    assert post(payload("invoice_paid_first", generation)).status_code == 200
    mail = mails()[RECEIPT]
    assert mail.recipients == "ada@own.example"
    assert mail.metadata == {"user_id": "7"}
    assert mail.subject == "Your receipt from Acme: 29.00 USD"
    for said in (
        "1 × Pro (at $29.00 / month): 29.00 USD",
        "8E3F2A91-0001",
        "Nov. 2, 2026",
        "https://invoice.stripe.com/",
    ):
        assert said in mail.message.text


def test_a_receipt_speaks_the_language_of_its_reader(ada, mails):
    User.objects.update(language="de")
    post(payload("invoice_paid_first"))
    mail = mails()[RECEIPT]
    assert mail.subject == "Ihr Zahlungsbeleg von Acme: 29,00 USD"
    assert "Bezahlt: 29,00 USD" in mail.message.text
    assert "2. November 2026" in mail.message.text


def test_the_six_events_of_a_first_payment_are_one_receipt_in_all_orders(ada, mails):
    orders = list(permutations(json.dumps(event).encode() for event in first_payment()))
    if connection.vendor == "postgresql":
        orders = orders[::12]  # all 720 pass on SQLite, in a tenth of the time
    for order in orders:
        with transaction.atomic():
            for body in order:
                processing.receive(body)
            assert list(mails()) == [RECEIPT]
            assert Payment.objects.get().user_id == 7
            assert Subscription.objects.get().customer_id == "cus_TLm3kQ8sVb2XyZ"
            transaction.set_rollback(True)


def test_a_repeated_event_changes_nothing(ada, mails):
    event = payload("invoice_paid_first")
    assert post_all([event, event, event]) == [200, 200, 200]
    assert (len(mails()), Payment.objects.count(), StripeEvent.objects.count()) == (1, 1, 1)


def test_two_events_about_one_payment_are_one_receipt(ada, mails):
    post_all(
        [
            payload("invoice_paid_first"),
            changed(payload("invoice_paid_first")),
            payload("invoice_payment_succeeded_first"),
        ]
    )
    assert list(mails()) == [RECEIPT]


def test_nobody_gets_a_receipt_for_nothing(ada, mails):
    post(changed(payload("invoice_paid_first"), amount_paid=0, amount_due=0, total=0))
    assert (mails(), Payment.objects.count()) == ({}, 0)


@pytest.mark.parametrize("status", ["open", "void", "uncollectible", "draft", None])
def test_an_invoice_that_is_not_paid_has_no_receipt(ada, mails, status):
    post(changed(payload("invoice_paid_first"), status=status))
    assert mails() == {}


def test_a_sale_without_an_invoice_has_a_receipt_of_its_own(db, mails):
    post(payload("checkout_session_completed_payment_guest"))
    mail = mails()["receipt:cs_live_b1guestB2c3D4e5F6g7H8"]
    assert mail.recipients == "guest@example.net"
    assert "52.92 EUR" in mail.subject


@pytest.mark.parametrize(
    "change",
    [{"payment_status": "unpaid"}, {"payment_status": "no_payment_required"}, {"amount_total": 0}, {"invoice": "in_x"}],
)
def test_a_sale_that_another_event_tells_of_or_that_is_not_paid_has_none(db, mails, change):
    post(changed(payload("checkout_session_completed_payment_guest"), **change))
    assert mails() == {}


def test_money_that_comes_days_later_has_its_receipt_then(db, mails):
    unpaid = payload("checkout_session_completed_payment_unpaid")
    post(unpaid)
    assert mails() == {}
    post(changed(unpaid, "checkout.session.async_payment_succeeded", payment_status="paid"))
    assert list(mails()) == ["receipt:cs_live_c1sepaD2e3F4g5H6i7J8"]


def test_a_bank_that_refuses_days_later_is_told_once(db, mails):
    failed = payload("checkout_session_async_payment_failed")
    post_all([failed, failed, changed(failed)])
    [mail] = mails().values()
    assert (mail.kind, mail.idempotency_key) == ("checkout_failed", "failed:cs_live_c1sepaD2e3F4g5H6i7J8")


def test_the_buyer_reads_the_amount_that_they_paid(db, mails):
    shown = {"presentment_amount": 5800, "presentment_currency": "cad"}
    post(changed(payload("checkout_session_completed_payment_guest"), presentment_details=shown))
    [mail] = mails().values()
    assert "58.00 CAD" in mail.subject
    assert "EUR" not in mail.subject + mail.message.text


def test_tax_and_every_line_are_on_the_receipt(ada, mails):
    invoice = payload("invoice_paid_first")
    [line] = invoice["data"]["object"]["lines"]["data"]
    lines = [line, {**line, "description": "Unused time", "amount": -500}]
    post(changed(invoice, lines={"data": lines}, total_taxes=[{"amount": 300}, {"amount": 163}]))
    text = mails()[RECEIPT].message.text
    assert "Unused time: -5.00 USD" in text
    assert "Tax: 4.63 USD" in text


def test_discounts_and_credit_explain_the_total(ada, mails):
    discount = [{"amount": 500}]
    reduced = changed(payload("invoice_paid_first"), total_discount_amounts=discount, amount_paid=2100)
    post(changed(reduced, starting_balance=-300, ending_balance=0))
    text = mails()[RECEIPT].message.text
    assert "Discount: -5.00 USD\nCredit: -3.00 USD\nPaid: 21.00 USD" in text


def test_a_customer_whom_nobody_knows_gets_the_receipt_at_the_address_in_the_event(db, mails):
    post(payload("invoice_paid_first"))
    mail = mails()[RECEIPT]
    assert (mail.recipients, mail.metadata) == ("ada@example.com", {})


@pytest.mark.parametrize("email", [None, "", "nobody", "a@b c", "a@b\r\nBcc: eve@example.com", "ä@example.com", 7])
def test_what_is_no_address_is_none(db, mails, email):
    assert post(changed(payload("invoice_paid_first"), customer_email=email)).status_code == 200
    assert (mails(), StripeEvent.objects.get().status) == ({}, "received")


def test_a_receipt_without_any_address_waits_and_is_stored(db, mails, django_capture_on_commit_callbacks):
    assert post(changed(payload("invoice_paid_first"), customer_email=None)).status_code == 200
    event = StripeEvent.objects.get()
    assert (event.status, event.waits_for, mails()) == ("received", "cus_TLm3kQ8sVb2XyZ", {})
    assert Payment.objects.get().is_paid
    with django_capture_on_commit_callbacks(execute=True):
        post(payload("invoice_payment_succeeded_first"))
    assert list(mails()) == [RECEIPT]
    event.refresh_from_db()
    assert event.status == "processed"
