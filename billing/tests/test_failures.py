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
from billing.webhook import backlog, handlers, storage
from billing.webhook.envelope import Envelope
from billing.webhook.monitoring import log_missing_invoices, missing_invoices_warning
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


def test_a_bug_on_the_third_of_five_events_loses_nothing(ada, mails, bug):
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


def test_a_redelivery_of_what_failed_is_handled_again(ada, mails, bug):
    events_told = five_payments()
    post_all(events_told)
    bug()
    post_all(events_told)
    assert len(mails()) == 5


def test_what_fails_again_is_tried_less_and_less_often_and_for_ever(ada, mails, bug):
    post_all(five_payments())
    waits = []
    for _ in range(12):
        due_at = StripeEvent.objects.values_list("due_at", flat=True).get(status="failed")
        assert due_at is not None
        waits.append(due_at - database_now())
        let_pass(waits[-1] + timedelta(seconds=1))
        backlog.sweep()
    assert timedelta(seconds=5) < waits[0] < timedelta(seconds=31)
    assert timedelta(minutes=29) < waits[-1] <= timedelta(hours=1)
    assert len(mails()) == 4


def test_what_a_dead_process_had_stored_is_handled_a_minute_later(ada, mails):
    body = json.dumps(payload("invoice_paid_first"))
    storage.store(Envelope.read(body.encode()), body)
    assert backlog.sweep() == 0
    let_pass(timedelta(seconds=61))
    assert backlog.sweep() == 1
    assert len(mails()) == 1
    assert backlog.sweep() == 0


def test_while_the_database_is_away_stripe_is_asked_to_come_again(ada, mails, monkeypatch):
    def away(*_):
        raise OperationalError("the server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr(storage, "insert_if_absent", away)
        assert post(payload("invoice_paid_first")).status_code == 503
    with monkeypatch.context() as broken:
        broken.setitem(handlers.HANDLERS, "invoice.paid", away)
        assert post(payload("invoice_paid_first")).status_code == 503
    assert StripeEvent.objects.get().status == "received"
    assert post(payload("invoice_paid_first")).status_code == 200
    assert len(mails()) == 1


def test_an_address_that_never_becomes_known_is_waited_for_a_day(db, mails):
    post(payload("customer_subscription_trial_will_end"))
    let_pass(timedelta(hours=1))
    backlog.sweep()
    assert StripeEvent.objects.get().status == "received"
    let_pass(timedelta(days=1))
    backlog.sweep()
    row = StripeEvent.objects.get()
    assert (row.status, row.due_at) == ("processed", None)
    assert row.note == "The email address of cus_TLm3kQ8sVb2XyZ isn't known. The email wasn't sent."


def test_events_are_kept_for_ninety_days(ada):
    post(payload("invoice_paid_first"))
    let_pass(timedelta(days=89))
    assert storage.purge() == 0
    let_pass(timedelta(days=2))
    assert storage.purge() == 1


def test_a_bought_subscription_whose_invoice_nobody_tells_of_says_what_to_tick(ada, caplog):
    post(payload("checkout_session_completed_subscription"))
    let_pass(timedelta(minutes=59))
    assert missing_invoices_warning() == ""
    let_pass(timedelta(minutes=2))
    with caplog.at_level(logging.ERROR):
        log_missing_invoices()
    assert "add invoice.paid" in caplog.text
    post(payload("invoice_paid_first"))
    assert missing_invoices_warning() == ""
