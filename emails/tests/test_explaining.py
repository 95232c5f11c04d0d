"""Why a message is not there yet, in the sentence that an operator reads first."""

from datetime import timedelta

import pytest

from common.db import database_now
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Status
from emails.support.explanations import distance, explain
from emails.tests.support.clock import travel
from emails.tracking.suppressions import suppress

MINUTE = timedelta(minutes=1)


def sentence() -> str:
    return explain(OutboundEmail.objects.latest("created_at")).sentence


def advice() -> str:
    return explain(OutboundEmail.objects.latest("created_at")).advice


def test_what_is_due_waits_for_a_worker(queue):
    queue()
    assert "goes out within seconds" in sentence()


def test_after_a_minute_no_worker_seems_to_run(queue):
    queue()
    travel(2 * MINUTE)
    assert "no worker seems to be running" in sentence()
    assert "Start a Celery worker" in advice()


def test_busy_workers_are_told_from_missing_ones(queue):
    queue(2)
    travel(2 * MINUTE)
    OutboundEmail.objects.all().claim(limit=1, now=database_now(), lease=MINUTE, status="sending")
    waiting = OutboundEmail.objects.get(status="queued")
    assert "The workers are busy. Messages ahead of it: 0." in explain(waiting).sentence
    OutboundEmail.objects.filter(pk=waiting.pk).update(isolated=True)
    waiting.refresh_from_db()
    assert "it is sent on its own" in explain(waiting).sentence


def test_backing_off_says_until_when_and_why(api, queue, deliver):
    queue()
    api.faults = ["503"]
    deliver()
    assert sentence().startswith("Backing off until 20")
    assert "resend responded with 503" in sentence()


def test_a_paused_provider_says_until_when_and_why(api, queue, deliver):
    queue()
    api.faults = ["429;retry-after=40"]
    deliver()
    assert sentence().startswith("resend asked us to wait and is paused until 20")
    assert "(in 3" in sentence()


def test_a_breaker_that_is_open_says_what_happens_then(api, outbox, queue, deliver):
    outbox("sequenzy")
    queue(6)
    api.faults = ["503"] * 6
    deliver()
    assert "sequenzy keeps failing" in sentence()
    assert "the waiting emails go out" in sentence()


def test_a_refused_key_waits_for_a_person(api, queue, deliver):
    queue()
    api.faults = ["401"]
    deliver()
    assert sentence().startswith("Waiting for a person: resend can't be used with its current settings.")
    assert "Resume now" in advice()


def test_a_paused_provider_does_not_hide_that_no_worker_runs(api, queue, deliver):
    queue()
    api.faults = ["401"]
    deliver()
    travel(timedelta(hours=1))
    assert "no worker seems to be running" in sentence()


def test_a_claimed_message_and_one_whose_worker_died(queue):
    queue()
    OutboundEmail.objects.all().claim(limit=1, now=database_now(), lease=MINUTE, status="sending")
    assert "about to call the provider" in sentence()
    travel(MINUTE)
    assert "Another worker will take over" in sentence()
    travel(MINUTE)
    assert "no worker seems to be running" in sentence()


@pytest.fixture
def unknown(api, queue, deliver) -> DeliveryAttempt:
    queue()
    api.faults = ["cut-after"]
    deliver()
    return DeliveryAttempt.objects.get()


def test_a_message_under_way_says_since_when(unknown):
    DeliveryAttempt.objects.all().claim(limit=1, now=unknown.due_at, lease=MINUTE, outcome="pending")
    assert sentence().startswith("Being sent through resend. The first attempt was at 20")


def test_an_unknown_outcome_says_when_it_is_repeated(unknown):
    assert "It's unknown whether resend accepted it." in sentence()
    assert "The same call will be repeated" in sentence()
    ProviderState.objects.update(paused_until=database_now() + timedelta(hours=3, minutes=30))
    assert "(in 3 hours)" in sentence()


def test_an_unknown_outcome_that_nobody_repeats(unknown):
    travel(timedelta(minutes=10))
    assert "no worker seems to be running" in sentence()


def test_a_sent_message_names_its_provider_and_id(queue, deliver):
    queue()
    deliver()
    email = OutboundEmail.objects.get()
    assert sentence().startswith(f"resend accepted it as {email.provider_message_id} at 20")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("refused", "rejected it permanently"),
        ("unsupported", "doesn't support messages like this"),
        ("gave_up", "within two days"),
        ("outcome_unknown", "couldn't find out whether it arrived"),
        ("quarantined", "set aside"),
        ("", "It failed."),
    ],
)
def test_a_failure_says_why_and_what_to_do(queue, reason, words):
    queue()
    OutboundEmail.objects.update(status="failed", reason=reason, detail="It said so.", settled_at=database_now())
    assert words in sentence()
    assert "“It said so.”" in sentence()
    assert "etry" in advice()
    OutboundEmail.objects.update(content=None)
    assert "have the person request a new one" in advice()


def test_a_suppressed_message_says_who_and_why(queue, deliver):
    suppress("person-0@example.com", cause="complaint")
    queue()
    deliver()
    assert "(person-0@example.com, complaint, 20" in sentence()
    assert "remove its suppression" in advice()


def test_an_expired_message_is_asked_for_anew(queue, deliver):
    queue(expires_at=database_now())
    deliver()
    assert sentence().startswith("Not sent in time.")
    assert advice() == "Have the person request a new one."


@pytest.mark.parametrize("status", Status.values)
def test_every_status_has_its_sentence(queue, status):
    queue()
    OutboundEmail.objects.update(status=status)
    assert sentence().endswith(".")


def test_distances_are_read_at_a_glance():
    seconds = [1, 119, 120, 7199, 7200, 172_799, 172_800]
    expected = ["1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours", "47 hours", "2 days"]
    assert [distance(timedelta(seconds=number)) for number in seconds] == expected
