"""One email per refund, whichever of Stripe's two events comes first."""

import logging
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from billing.models import Payment, RefundedCharge, StripeEvent
from billing.tests.support.stripe_events import Event, changed, payload, post, post_all
from billing.webhook import backlog

CHARGE, INTENT = "ch_3SPb7yKq4RtYw2Vd0Zz9Yx8W", "pi_3SPb7yKq4RtYw2Vd0aBcDeFg"


def event(event_type: str, event_id: str, **fields: object) -> Event:
    return {**payload("invoice_paid_first"), "id": event_id, "type": event_type, "data": {"object": fields}}


def refund(number: int = 1, amount: int = 1000, event_type: str = "refund.created", **values: object) -> Event:
    fields = {"id": f"re_{number}", "object": "refund", "amount": amount, "currency": "usd", "status": "succeeded"}
    fields |= {"charge": CHARGE, "payment_intent": INTENT, **values}
    return event(event_type, f"evt_{event_type}_{number}", **fields)


def refunded_charge(total: int) -> Event:
    fields = {"id": CHARGE, "object": "charge", "amount": 2900, "amount_refunded": total, "currency": "usd"}
    fields |= {"payment_intent": INTENT, "customer": "cus_TLm3kQ8sVb2XyZ"}
    return event("charge.refunded", f"evt_total_{total}", **fields, billing_details={"email": "ada@example.com"})


@pytest.fixture(params=["old", "new"])
def paid_invoice(request, ada):
    """A paid invoice; only invoices of the old generation name their charge."""
    post_all([payload("invoice_paid_first", request.param), payload("invoice_payment_paid")])


def refund_amounts(queued_emails) -> dict[str, str]:
    return {key: row.subject.rpartition(": ")[2] for key, row in queued_emails().items() if row.kind == "refund"}


def test_refund_email_goes_to_the_payer(paid_invoice, queued_emails):
    post(refund())
    assert refund_amounts(queued_emails) == {"refund:re_1": "$10.00"}
    email = queued_emails()["refund:re_1"]
    assert email.recipients == "ada@own.example"
    assert "$10.00 of your payment for Pro" in email.message.text
    assert Payment.objects.get().amount_refunded == 1000


def test_several_events_about_one_refund_send_one_email(paid_invoice, queued_emails):
    for order in permutations([refund(), refunded_charge(1000), refund(event_type="refund.updated")]):
        with transaction.atomic():
            post_all(order)
            assert list(refund_amounts(queued_emails).values()) == ["$10.00"]
            assert RefundedCharge.objects.get().amount == 1000
            transaction.set_rollback(True)


def test_two_refunds_send_two_emails_in_any_order(paid_invoice, queued_emails):
    post_all([refund(2, 500), refund(1, 1000)])
    assert refund_amounts(queued_emails) == {"refund:re_1": "$10.00", "refund:re_2": "$5.00"}
    assert Payment.objects.get().amount_refunded == 1500


def test_each_rise_of_the_total_sends_one_email(paid_invoice, queued_emails):
    post_all([refunded_charge(1000), refunded_charge(1500)])
    assert refund_amounts(queued_emails) == {f"refund:{CHARGE}:1000": "$10.00", f"refund:{CHARGE}:1500": "$5.00"}


def in_every_order(events):
    """Post the events in every order, each time into the same state, and yield the types in that order."""
    for order in permutations(events):
        with transaction.atomic():
            post_all(order)
            yield [event["type"] for event in order]
            transaction.set_rollback(True)


def test_failed_refund_no_longer_counts(paid_invoice, queued_emails):
    for order in in_every_order([refund(), refund(event_type="refund.failed", status="failed"), refunded_charge(1000)]):
        payment = Payment.objects.get()
        assert (payment.amount_refunded, payment.display_amount_refunded) == (0, "")
        kinds = sorted(email.kind for email in queued_emails().values() if email.kind != "receipt")
        # Only a customer who got the refund email gets one about its failure.
        assert kinds == ([] if order[0] == "refund.failed" else ["refund", "refund_failed"]), order


def test_failed_refund_is_told_with_its_amount(paid_invoice, queued_emails):
    post_all([refund(), refund(event_type="refund.failed", status="failed")])
    email = queued_emails()["refund_failed:re_1"]
    assert email.subject == "Your refund of $10.00 from Acme didn't go through"
    assert "We still owe you this amount" in email.message.text


def test_failed_refund_can_be_repeated(paid_invoice, queued_emails):
    post_all([refund(), refund(event_type="refund.failed", status="failed"), refund(2)])
    assert refund_amounts(queued_emails) == {"refund:re_1": "$10.00", "refund:re_2": "$10.00"}
    assert Payment.objects.get().amount_refunded == 1000


@pytest.mark.parametrize("status", ["pending", "requires_action", "a_new_word"])
def test_total_is_no_proof_while_a_refund_is_pending(paid_invoice, queued_emails, status):
    post_all([refund(status=status), refunded_charge(1000)])
    assert (Payment.objects.get().amount_refunded, refund_amounts(queued_emails)) == (0, {})
    post(refund(event_type="refund.updated"))
    assert refund_amounts(queued_emails) == {"refund:re_1": "$10.00"}
    assert Payment.objects.get().amount_refunded == 1000


def test_pending_refund_is_told_once_in_any_order(paid_invoice, queued_emails):
    events = [refund(status="pending"), refunded_charge(1000), refund(event_type="refund.updated")]
    for _ in in_every_order(events):
        assert list(refund_amounts(queued_emails).values()) == ["$10.00"]
        assert Payment.objects.get().amount_refunded == 1000


def test_old_charge_lists_its_pending_refunds(paid_invoice, queued_emails):
    listed = refunded_charge(1000)
    listed["data"]["object"]["refunds"] = {"data": [{"id": "re_1", "status": "pending", "amount": 1000}]}
    post(listed)
    assert (Payment.objects.get().amount_refunded, refund_amounts(queued_emails)) == (0, {})


def test_newest_status_counts_after_many_changes(paid_invoice, queued_emails):
    statuses = ["pending", "succeeded", "failed", "succeeded", "failed"]
    events = [refund(event_type="refund.updated", status=status) for status in statuses]
    for number, reported in enumerate(events):
        reported |= {"id": f"evt_{number}", "created": reported["created"] + number}
    for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]):
        with transaction.atomic():
            post_all(events[number] for number in order)
            assert Payment.objects.get().amount_refunded == 0
            transaction.set_rollback(True)


def test_refunds_never_exceed_the_payment(paid_invoice, queued_emails):
    post_all([refund(1, 2000), refund(2, 2000), refunded_charge(9900)])
    assert Payment.objects.get().amount_refunded == 2900
    assert sorted(refund_amounts(queued_emails).values()) == ["$20.00", "$9.00"]


@pytest.mark.parametrize("names", [(None, INTENT), (CHARGE, None), (CHARGE, INTENT)])
def test_one_refund_under_two_names_is_told_once(paid_invoice, queued_emails, names):
    charge, intent = names
    events = [
        refund(charge=charge, payment_intent=intent),
        refunded_charge(1000),
        refund(event_type="refund.updated"),
    ]
    for order in in_every_order(events):
        sweep_now()
        assert list(refund_amounts(queued_emails).values()) == ["$10.00"], order
        assert Payment.objects.get().amount_refunded == 1000, order
        assert RefundedCharge.objects.count() == 1, order


def sweep_now():
    StripeEvent.objects.exclude(due_at=None).update(due_at=Now())
    backlog.sweep()


@pytest.mark.parametrize("generation", ["old", "new"])
def test_refund_is_told_in_the_currency_of_the_receipt(db, queued_emails, generation):
    shown = {"presentment_amount": 2765, "presentment_currency": "eur"}
    book: dict[str, Any] = {"payment_intent": "pi_book", "currency": "usd", "presentment_details": shown}
    post(changed(payload("checkout_session_completed_payment_guest", generation), amount_total=3000, **book))
    post(refund(1, 3000, charge="ch_book", **book))
    assert refund_amounts(queued_emails) == {"refund:re_1": "€27.65"}
    payment = Payment.objects.get()
    assert (payment.display_amount, payment.display_amount_refunded) == ("€27.65", "€27.65")


def test_refund_without_presented_amount_names_our_own(db, queued_emails):
    shown = {"presentment_amount": 2765, "presentment_currency": "eur"}
    book = {"payment_intent": "pi_book", "currency": "usd"}
    sale = payload("checkout_session_completed_payment_guest")
    post(changed(sale, amount_total=3000, presentment_details=shown, **book))
    post(refund(1, 1500, charge="ch_book", **book))
    assert refund_amounts(queued_emails) == {"refund:re_1": "$15.00"}


@pytest.mark.parametrize("status", ["pending", "failed", "canceled", "requires_action", None])
def test_unfinished_refund_sends_nothing(paid_invoice, queued_emails, status):
    post(refund(status=status))
    assert refund_amounts(queued_emails) == {}


def test_pending_refund_sends_email_once_it_succeeds(paid_invoice, queued_emails):
    post_all([refund(status="pending"), refund(event_type="refund.updated")])
    assert refund_amounts(queued_emails) == {"refund:re_1": "$10.00"}


def test_failed_refund_is_logged_for_staff(paid_invoice, queued_emails, caplog):
    with caplog.at_level(logging.ERROR):
        post(refund(event_type="refund.failed", status="failed"))
    assert "Refund re_1" in caplog.text
    assert refund_amounts(queued_emails) == {}


def test_refund_of_unknown_payer_waits(db, queued_emails):
    assert post(refund()).status_code == 200
    assert queued_emails() == {}


def test_refunded_charge_of_unknown_payer_uses_its_address(db, queued_emails):
    event = refunded_charge(2900)
    event["data"]["object"]["metadata"] = {"installation": "app.example.com"}
    post(event)
    [email] = queued_emails().values()
    assert email.recipients == "ada@example.com"
