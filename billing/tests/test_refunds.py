"""One email per refund, whichever of Stripe's two events comes first."""

import logging
from itertools import permutations

import pytest
from django.db import transaction

from billing.models import Payment, RefundedCharge
from billing.tests.support.stripe_events import Event, payload, post, post_all

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
