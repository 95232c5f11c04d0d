"""Leases: two workers never hold the same row, and the rows of a dead worker are recovered."""

from dataclasses import replace
from datetime import timedelta

from django.conf import settings

from common.db import database_now
from emails.delivery import claims, drain
from emails.delivery.calls import NotMade
from emails.models import DeliveryAttempt, OutboundEmail, Reason, Status
from emails.tests.support.clock import travel

LEASE = timedelta(seconds=60)


def claim(limit=10):
    return OutboundEmail.objects.filter(isolated=False).claim(
        limit=limit, now=database_now(), lease=LEASE, status=Status.SENDING
    )


def let_lease_expire():
    travel(timedelta(seconds=settings.EMAIL_LEASE_SECONDS + 1))
    claims.recover_stalled(database_now())


def test_claimed_row_is_not_claimed_again(queue_emails):
    queue_emails(3)
    assert len(claim(2)) == 2
    assert len(claim(2)) == 1
    assert claim() == []


def test_oldest_rows_are_claimed_first(queue_emails):
    (first,) = queue_emails(1)
    queue_emails(3)
    assert claim(1) == [first]


def next_calls(*, idle=True):
    calls, _ = claims.next_calls(8, idle=idle)
    return calls


def test_rows_of_a_dead_worker_are_claimed_alone(provider_api, queue_emails, deliver):
    queue_emails(3)
    claim()
    let_lease_expire()
    assert OutboundEmail.objects.filter(isolated=True, crashes=0, status=Status.QUEUED).count() == 3
    assert claim() == []
    assert next_calls(idle=False) == []
    assert len(next_calls()) == 1
    let_lease_expire()
    deliver()
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
    assert len(provider_api.accepted) == 3


def test_only_crashes_while_claimed_alone_lead_to_quarantine(queue_emails):
    (row,) = queue_emails()
    for _ in range(5):
        OutboundEmail.objects.claim(limit=1, now=database_now(), lease=LEASE, status=Status.SENDING)
        let_lease_expire()
        row.refresh_from_db()
        assert row.status == Status.QUEUED
    OutboundEmail.objects.claim(limit=1, now=database_now(), lease=LEASE, status=Status.SENDING)
    let_lease_expire()
    row.refresh_from_db()
    assert row.status == Status.FAILED
    assert row.reason == Reason.QUARANTINED
    assert row.due_at is None


def test_attempt_that_kills_five_workers_is_quarantined(queue_emails):
    (row,) = queue_emails()
    for _ in range(5):
        assert len(next_calls()) == 1
        let_lease_expire()
    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.FAILED, Reason.QUARANTINED)
    assert DeliveryAttempt.objects.get().outcome == "abandoned"


def test_attempt_whose_emails_were_erased_can_be_recovered(provider_api, queue_emails, deliver):
    queue_emails()
    assert len(next_calls()) == 1
    OutboundEmail.objects.all().delete()
    let_lease_expire()
    assert DeliveryAttempt.objects.get().outcome == "unknown"
    provider_api.faults = ["500"]
    deliver()
    assert DeliveryAttempt.objects.get().calls == 1


def test_crash_during_a_call_is_an_unknown_outcome(provider_api, queue_emails, deliver):
    queue_emails()
    (call,) = next_calls()
    call.make()
    let_lease_expire()
    assert DeliveryAttempt.objects.get().outcome == "unknown"
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert len(provider_api.accepted) == 1


def test_worker_with_expired_lease_writes_nothing(provider_api, queue_emails, deliver):
    """A process that was suspended for a minute must not overwrite the results of its successor."""
    queue_emails()
    (late_call,) = next_calls()
    response = late_call.make()
    let_lease_expire()
    deliver()
    sent = OutboundEmail.objects.get()
    drain.settle_despite_outages([(late_call, response)])
    assert OutboundEmail.objects.values().get() == {
        field.attname: getattr(sent, field.attname) for field in OutboundEmail._meta.concrete_fields
    }


def test_call_past_its_start_deadline_is_not_made(provider_api, queue_emails):
    queue_emails()
    (call,) = next_calls()
    late_call = replace(call, start_by=0.0)
    assert isinstance(late_call.make(), NotMade)
    assert provider_api.calls == 0
