"""The most urgent email goes first: bulk email delays email that a person waits for by the calls in progress only."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models.functions import Now

from common.db import database_now
from emails import contacts
from emails.delivery import calls, claims, drain
from emails.delivery.calls import Call
from emails.models import ContactChange, DeliveryAttempt, OutboundEmail, Priority, Status

MINUTE = timedelta(minutes=1)
WAITING, NORMAL, BULK = Priority
THREADS = 3


def test_a_priority_that_no_worker_would_claim_is_refused(queue_emails):
    with pytest.raises(ValueError, match="7 is not a valid Priority"):
        queue_emails(priority=7)


def claimed(room: int = 8, *, idle: bool = True) -> list[Call]:
    return claims.next_calls(room, idle=idle).calls


def priorities(found: list[Call]) -> list[int]:
    return [row.priority for call in found for row in call.rows if isinstance(row, OutboundEmail)]


def test_rows_are_claimed_by_priority_and_then_by_age(queue_emails):
    rows = [queue_emails(priority=priority)[0] for priority in (BULK, NORMAL, WAITING, BULK, NORMAL, WAITING)]
    found = OutboundEmail.objects.claim(limit=5, now=database_now(), lease=MINUTE, status=Status.SENDING)
    assert found == [rows[2], rows[5], rows[1], rows[4], rows[0]]


def test_isolated_rows_are_the_last_of_their_priority(queue_emails):
    isolate(alone := queue_emails(priority=NORMAL))
    together, bulk = queue_emails(priority=NORMAL), queue_emails(priority=BULK)
    assert OutboundEmail.objects.claim(limit=3, now=database_now(), lease=MINUTE) == together + alone + bulk


def test_a_claim_takes_only_the_priority_it_names(queue_emails):
    for priority in Priority:
        queue_emails(2, priority=priority)
    found = OutboundEmail.objects.claim(limit=5, now=database_now(), lease=MINUTE, only={"priority": NORMAL})
    assert [row.priority for row in found] == [NORMAL, NORMAL]


def test_rows_that_are_due_later_hold_nothing_back(queue_emails):
    queue_emails(3, priority=WAITING)
    OutboundEmail.objects.update(due_at=Now() + MINUTE)
    queue_emails(priority=BULK)
    assert priorities(claimed()) == [BULK]


def test_a_call_carries_one_priority(provider_api, queue_emails, deliver):
    for priority in (BULK, NORMAL, WAITING):
        queue_emails(3, priority=priority)
    deliver()
    carried = [attempt.emails.values_list("priority", flat=True) for attempt in DeliveryAttempt.objects.all()]
    assert sorted(map(set, carried), key=min) == [{WAITING}, {NORMAL}, {BULK}]
    assert [attempt.priority for attempt in DeliveryAttempt.objects.order_by("priority")] == [WAITING, NORMAL, BULK]


def test_repeats_of_bulk_email_come_after_email_that_a_person_waits_for(provider_api, queue_emails, deliver):
    queue_emails(priority=BULK)
    provider_api.faults = ["500"]
    deliver()
    DeliveryAttempt.objects.update(due_at=Now() - MINUTE)
    queue_emails(priority=NORMAL)
    queue_emails(priority=WAITING)
    assert priorities(claimed()) == [WAITING, NORMAL, BULK]


def test_repeats_come_before_other_email_of_their_priority(provider_api, queue_emails, deliver):
    [first] = queue_emails(priority=WAITING)
    provider_api.faults = ["500"]
    deliver()
    DeliveryAttempt.objects.update(due_at=Now() - MINUTE)
    queue_emails(priority=WAITING)
    assert claimed(1)[0].rows == [first]


def test_contact_changes_come_between_normal_and_bulk_email(use_provider, queue_emails, settings):
    use_provider("sequenzy")
    settings.CONTACTS_SYNC = True
    contacts.add_tag("ada@example.com", "customer")
    queue_emails(priority=BULK)
    queue_emails(priority=NORMAL)
    claims.recover_stalled(database_now())  # a drain does this first, and it creates the row of contacts
    found = claimed()
    assert isinstance(found[1].rows[0], ContactChange)
    assert priorities(found) == [NORMAL, BULK]


def isolate(rows: list[OutboundEmail]) -> None:
    OutboundEmail.objects.filter(pk__in=[row.pk for row in rows]).update(isolated=True)


def test_an_urgent_row_whose_worker_died_does_not_wait_for_bulk_email(queue_emails):
    isolate(reset := queue_emails(priority=WAITING))
    queue_emails(3, priority=BULK)
    assert claimed(idle=False) == []
    assert [call.rows for call in claimed()] == [reset]


@pytest.mark.parametrize("priority", [WAITING, NORMAL, BULK])
def test_a_row_whose_worker_died_lets_others_of_its_priority_go_first(queue_emails, priority):
    isolate(queue_emails(priority=priority))
    others = queue_emails(2, priority=priority)
    assert {row.pk for call in claimed() for row in call.rows} == {row.pk for row in others}


def send_reset() -> None:
    """Queue a reset from a thread of its own."""
    reset = EmailMessage("Reset", "Here is your link.", to=["reset@example.com"])
    reset.priority = WAITING  # type: ignore[attr-defined]
    reset.send()
    connection.close()


@pytest.fixture
def queue_reset_during_call(shared_database, outbox, monkeypatch) -> Callable[[int], list[Call | None]]:
    """Provide a function that lets a reset be queued while the given call is made.

    It returns a list that gets each call when it begins, and None when the reset is queued.
    """

    def queue_reset_during_call(number: int) -> list[Call | None]:
        begun: list[Call | None] = []
        make, lock, is_queued, are_busy = Call.make, threading.Lock(), threading.Event(), threading.Event()

        def record(call: Call) -> object:
            with lock:
                begun.append(call)
                count = len(begun)
            if count == number:
                are_busy.wait(5)  # until every other thread is in the middle of a call as well
                send_reset()
                begun.append(None)
                is_queued.set()
            elif number < count and not is_queued.is_set():
                if count == number + THREADS - 1:
                    are_busy.set()
                is_queued.wait(60)
            return make(call)

        monkeypatch.setattr(Call, "make", record)
        return begun

    return queue_reset_during_call


def calls_ahead(begun: list[Call | None]) -> int:
    """Return how many calls began after the reset was queued and before its own."""
    later = begun[begun.index(None) + 1 :]
    return next(n for n, call in enumerate(later) if call and call.attempt.priority == WAITING)


@pytest.mark.parametrize("rate", [0.0, 80.0], ids=["unlimited", "paced"])
def test_a_reset_waits_for_two_calls_per_thread_at_most(
    provider, rate, provider_api, use_provider, queue_emails, deliver, settings, queue_reset_during_call, monkeypatch
):
    use_provider(provider)
    settings.EMAIL_RATE_PER_SECOND, settings.EMAIL_DELIVERY_THREADS = rate, THREADS
    monkeypatch.setattr(calls, "MAX_LATENESS", MINUTE)  # on a busy machine, a call would miss its slot and begin twice
    provider_api.latency = 0.005
    queue_emails(50, priority=BULK)
    OutboundEmail.objects.update(batch_limit=1)
    begun = queue_reset_during_call(10)
    deliver()
    assert calls_ahead(begun) <= 2 * THREADS
    assert OutboundEmail.objects.filter(status=Status.SENT).count() == 51


def test_a_wake_up_makes_a_running_drain_look_for_email(
    shared_database, outbox, deliver, settings, monkeypatch, provider_api
):
    monkeypatch.setattr(drain, "CLAIM_EVERY", timedelta(hours=1))
    settings.EMAIL_DELIVERY_THREADS = 2
    make, reset_begun, was_noticed = Call.make, threading.Event(), []

    def make_and_queue(call: Call) -> object:
        if call.attempt.priority == WAITING:
            reset_begun.set()
        else:
            send_reset()
            deliver()  # in a process that is delivering already, this is only a wake-up
            was_noticed.append(reset_begun.wait(60))
        return make(call)

    monkeypatch.setattr(Call, "make", make_and_queue)
    EmailMessage("News", "Hello there.", to=["person@example.com"]).send()
    deliver()
    assert was_noticed == [True]
    assert len(provider_api.accepted) == 2
