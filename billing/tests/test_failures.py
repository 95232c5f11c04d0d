"""Failures between Stripe and the email: the event is kept, and every email is sent once after recovery."""

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


def let_time_pass(duration: timedelta) -> None:
    StripeEvent.objects.update(received_at=F("received_at") - duration, due_at=F("due_at") - duration)


@pytest.fixture
def fix_bug(monkeypatch):
    """Break our handler for the third invoice, and return a function that fixes it."""
    original = payments.record_paid_invoice

    def buggy(invoice, at):
        original(invoice, at)
        if invoice.id == "in_2":
            raise ZeroDivisionError("a bug")

    monkeypatch.setattr(payments, "record_paid_invoice", buggy)
    return lambda: monkeypatch.setattr(payments, "record_paid_invoice", original)


def test_bug_on_one_event_loses_nothing(ada, queued_emails, fix_bug):
    assert post_all(five_payments()) == [200] * 5
    failed = StripeEvent.objects.get(status="failed")
    assert (failed.object_id, failed.attempts) == ("in_2", 1)
    assert "ZeroDivisionError: a bug" in failed.error
    assert len(queued_emails()) == 4
    fix_bug()
    let_time_pass(timedelta(minutes=1))
    handle_due_events()
    assert sorted(queued_emails()) == [f"receipt:in_{number}" for number in range(RECEIPTS)]
    assert set(StripeEvent.objects.values_list("status", "error")) == {("processed", "")}


def test_redelivery_of_failed_events_is_processed(ada, queued_emails, fix_bug):
    events = five_payments()
    post_all(events)
    fix_bug()
    post_all(events)
    assert len(queued_emails()) == 5


def test_failing_event_is_retried_ever_less_often(ada, queued_emails, fix_bug, without_jitter):
    before = database_now()
    post_all(five_payments())
    at_least, at_most = [], []  # the failure lies between two readings of the clock
    for _ in range(12):
        due_at = StripeEvent.objects.values_list("due_at", flat=True).get(status="failed")
        assert due_at is not None
        at_least.append(due_at - database_now())
        at_most.append(due_at - before)
        let_time_pass(at_most[-1] + timedelta(seconds=1))
        before = database_now()
        backlog.sweep()
    assert at_most[0] >= timedelta(seconds=7.5)
    assert at_least[0] <= timedelta(seconds=15)
    assert at_most[-1] >= timedelta(minutes=30)
    assert at_least[-1] <= timedelta(hours=1)
    assert len(queued_emails()) == 4


def test_event_of_a_dead_process_is_processed_after_a_minute(ada, queued_emails):
    body = json.dumps(payload("invoice_paid_first"))
    storage.store(Envelope.read(body.encode()), body)
    assert backlog.sweep() == 0
    let_time_pass(timedelta(seconds=61))
    assert backlog.sweep() == 1
    assert len(queued_emails()) == 1
    assert backlog.sweep() == 0


def test_unavailable_database_makes_stripe_retry(ada, queued_emails, monkeypatch):
    def fail(*_):
        raise OperationalError("the server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr(storage, "insert_if_absent", fail)
        assert post(payload("invoice_paid_first")).status_code == 503
    with monkeypatch.context() as broken:
        broken.setitem(handlers.HANDLERS, "invoice.paid", fail)
        assert post(payload("invoice_paid_first")).status_code == 503
    assert StripeEvent.objects.get().status == "received"
    assert post(payload("invoice_paid_first")).status_code == 200
    assert len(queued_emails()) == 1


def test_missing_address_is_awaited_for_a_day(db, queued_emails):
    post(payload("customer_subscription_deleted"))
    let_time_pass(timedelta(hours=1))
    backlog.sweep()
    assert StripeEvent.objects.get().status == "received"
    let_time_pass(timedelta(days=1))
    backlog.sweep()
    row = StripeEvent.objects.get()
    assert (row.status, row.due_at) == ("processed", None)
    assert row.note == "The email address of cus_TLm3kQ8sVb2XyZ isn't known. The email wasn't sent."


def test_events_are_kept_for_90_days(ada):
    post(payload("invoice_paid_first"))
    let_time_pass(timedelta(days=89))
    assert storage.purge() == 0
    let_time_pass(timedelta(days=2))
    assert storage.purge() == 1


def test_purchase_without_invoice_event_names_the_missing_event(ada, caplog):
    post(payload("checkout_session_completed_subscription"))
    let_time_pass(timedelta(minutes=59))
    assert missing_invoices_warning() == ""
    let_time_pass(timedelta(minutes=2))
    with caplog.at_level(logging.ERROR):
        log_missing_invoices()
    assert "add invoice.paid" in caplog.text
    post(payload("invoice_paid_first"))
    assert missing_invoices_warning() == ""
