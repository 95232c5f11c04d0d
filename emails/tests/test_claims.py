"""Leases: no two workers hold a row, and what a dead worker held is taken back."""

from datetime import timedelta

from django.conf import settings
from django.db import connection

from common.db import database_now
from emails.delivery import claims, drain
from emails.models import DeliveryAttempt, OutboundEmail, Reason, Status
from emails.tests.support.clock import travel

LEASE = timedelta(seconds=60)


def claim(limit=10):
    return OutboundEmail.objects.filter(isolated=False).claim(
        limit=limit, now=database_now(), lease=LEASE, status=Status.SENDING
    )


def after_the_lease():
    travel(timedelta(seconds=settings.EMAIL_LEASE_SECONDS + 1))
    claims.recover_stalled(database_now())


def test_a_claimed_row_is_nobody_elses(queue):
    queue(3)
    assert len(claim(2)) == 2
    assert len(claim(2)) == 1
    assert claim() == []


def test_the_oldest_are_claimed_first(queue):
    (first,) = queue(1)
    queue(3)
    assert claim(1) == [first]


def next_calls(*, idle=True):
    calls, _ = claims.next_calls(8, idle=idle)
    return calls


def test_rows_of_a_dead_worker_are_claimed_alone_and_delivered(api, queue, deliver):
    queue(3)
    claim()
    after_the_lease()
    assert OutboundEmail.objects.filter(isolated=True, crashes=0, status=Status.QUEUED).count() == 3
    assert claim() == []
    assert next_calls(idle=False) == []
    assert len(next_calls()) == 1
    after_the_lease()
    deliver()
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
    assert len(api.accepted) == 3


def test_only_crashes_while_alone_lead_to_quarantine(queue):
    (row,) = queue()
    for _ in range(5):
        OutboundEmail.objects.claim(limit=1, now=database_now(), lease=LEASE, status=Status.SENDING)
        after_the_lease()
        row.refresh_from_db()
        assert row.status == Status.QUEUED
    OutboundEmail.objects.claim(limit=1, now=database_now(), lease=LEASE, status=Status.SENDING)
    after_the_lease()
    row.refresh_from_db()
    assert (row.status, row.reason, row.due_at) == (Status.FAILED, Reason.QUARANTINED, None)


def test_an_attempt_that_kills_five_workers_is_quarantined(queue):
    (row,) = queue()
    for _ in range(5):
        assert len(next_calls()) == 1
        after_the_lease()
    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.FAILED, Reason.QUARANTINED)
    assert DeliveryAttempt.objects.get().outcome == "abandoned"


def test_a_crash_during_the_call_is_an_unknown_outcome(api, queue, deliver):
    queue()
    (call,) = next_calls()
    call.make()
    after_the_lease()
    assert DeliveryAttempt.objects.get().outcome == "unknown"
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert len(api.accepted) == 1


def test_a_worker_whose_lease_ran_out_writes_nothing(api, queue, deliver):
    """A process that was stopped for a minute must not overwrite what its successor wrote."""
    queue()
    (late,) = next_calls()
    answer = late.make()
    after_the_lease()
    deliver()
    sent = OutboundEmail.objects.get()
    drain.settle_despite_outages([(late, answer)])
    assert OutboundEmail.objects.values().get() == {
        field.attname: getattr(sent, field.attname) for field in OutboundEmail._meta.concrete_fields
    }


def test_a_call_that_begins_too_late_is_not_made(api, queue):
    queue()
    (call,) = next_calls()
    object.__setattr__(call, "start_by", 0.0)
    assert type(call.make()).__name__ == "NotMade"
    assert api.calls == 0


def test_finding_due_work_uses_the_partial_index(queue):
    plan = OutboundEmail.objects.due(database_now()).order_by("due_at")[:10].explain()
    assert "outbound_due" in plan or connection.vendor == "postgresql"  # an empty table is read whole
