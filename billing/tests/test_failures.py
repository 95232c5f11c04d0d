"""What breaks between Stripe and the mail: the event stays, and after the recovery every mail goes out once."""

import json
import logging
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import F

from billing.models import StripeEvent
from billing.services import payments
from billing.tasks import handle_due_events
from billing.tests.support.stripe_events import Event, changed, payload, post, post_all
from billing.webhook import handlers, processing
from billing.webhook.monitoring import log_missing_invoices, trouble
from common.db import database_now

RECEIPTS = 5


def five_payments() -> list[Event]:
    return [changed(payload("invoice_paid_first"), id=f"in_{number}") for number in range(RECEIPTS)]


def let_pass(time: timedelta) -> None:
    StripeEvent.objects.update(received_at=F("received_at") - time, due_at=F("due_at") - time)


@pytest.fixture
def bug(monkeypatch):
    """Our own code breaks on the third invoice; call it to mend that."""
    right = payments.record_paid_invoice

    def wrong(invoice, at):
        right(invoice, at)
        if invoice.id == "in_2":
            raise ZeroDivisionError("a bug")

    monkeypatch.setattr(payments, "record_paid_invoice", wrong)
    return lambda: monkeypatch.setattr(payments, "record_paid_invoice", right)


def test_bug_on_one_event_loses_nothing(ada, mails, bug):
    assert post_all(five_payments()) == [200] * 5
    failed = StripeEvent.objects.get(status="failed")
    assert (failed.object_id, failed.attempts) == ("in_2", 1)
    assert "ZeroDivisionError: a bug" in failed.error
    assert len(mails()) == 4
    bug()
    let_pass(timedelta(minutes=1))
    handle_due_events()
    assert sorted(mails()) == [f"receipt:in_{number}" for number in range(RECEIPTS)]
    assert set(StripeEvent.objects.values_list("status", "error")) == {("processed", "")}


def test_redelivery_of_failed_events_is_processed(ada, mails, bug):
    events_told = five_payments()
    post_all(events_told)
    bug()
    post_all(events_told)
    assert len(mails()) == 5


def test_failing_event_is_retried_ever_less_often(ada, mails, bug):
    post_all(five_payments())
    waits = []
    for _ in range(12):
        due_at = StripeEvent.objects.values_list("due_at", flat=True).get(status="failed")
        assert due_at is not None
        waits.append(due_at - database_now())
        let_pass(waits[-1] + timedelta(seconds=1))
        processing.sweep()
    assert timedelta(seconds=5) < waits[0] < timedelta(seconds=31)
    assert timedelta(minutes=29) < waits[-1] <= timedelta(hours=1)
    assert len(mails()) == 4


def test_event_of_a_dead_process_is_processed_after_a_minute(ada, mails):
    body = json.dumps(payload("invoice_paid_first"))
    processing.store(processing.Envelope.read(body.encode()), body)
    assert processing.sweep() == 0
    let_pass(timedelta(seconds=61))
    assert processing.sweep() == 1
    assert len(mails()) == 1
    assert processing.sweep() == 0


def test_unavailable_database_makes_stripe_retry(ada, mails, monkeypatch):
    def away(*_):
        raise OperationalError("the server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr(processing, "insert_new", away)
        assert post(payload("invoice_paid_first")).status_code == 503
    with monkeypatch.context() as broken:
        broken.setitem(handlers.HANDLERS, "invoice.paid", away)
        assert post(payload("invoice_paid_first")).status_code == 503
    assert StripeEvent.objects.get().status == "received"
    assert post(payload("invoice_paid_first")).status_code == 200
    assert len(mails()) == 1


def test_missing_address_is_awaited_for_a_day(db, mails):
    post(payload("customer_subscription_trial_will_end"))
    let_pass(timedelta(hours=1))
    processing.sweep()
    assert StripeEvent.objects.get().status == "received"
    let_pass(timedelta(days=1))
    processing.sweep()
    row = StripeEvent.objects.get()
    assert (row.status, row.due_at) == ("processed", None)
    assert row.note == "No address is known of cus_TLm3kQ8sVb2XyZ. Nobody got the mail."


def test_events_are_kept_for_90_days(ada):
    post(payload("invoice_paid_first"))
    let_pass(timedelta(days=89))
    assert processing.purge() == 0
    let_pass(timedelta(days=2))
    assert processing.purge() == 1


def test_purchase_without_invoice_event_names_the_missing_event(ada, caplog):
    post(payload("checkout_session_completed_subscription"))
    let_pass(timedelta(minutes=59))
    assert trouble() == ""
    let_pass(timedelta(minutes=2))
    with caplog.at_level(logging.ERROR):
        log_missing_invoices()
    assert "Tick invoice.paid" in caplog.text
    post(payload("invoice_paid_first"))
    assert trouble() == ""
