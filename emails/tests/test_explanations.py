"""The sentence from which an operator learns why a message has not arrived yet."""

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


def test_console_sent_nothing(queue_emails):
    queue_emails()
    OutboundEmail.objects.update(status="sent", provider="console", sent_at=database_now())
    assert sentence() == "Nothing was sent, because EMAIL_PROVIDER is console."
    assert "set EMAIL_PROVIDER and its API key in .env" in advice()


def test_due_message_waits_for_a_worker(queue_emails):
    queue_emails()
    assert "goes out within seconds" in sentence()


def test_message_due_for_a_minute_suggests_no_worker_runs(queue_emails):
    queue_emails()
    travel(2 * MINUTE)
    assert "no worker seems to be running" in sentence()
    assert "Start a Celery worker" in advice()


def test_busy_workers_are_distinguished_from_missing_workers(queue_emails):
    queue_emails(2)
    travel(2 * MINUTE)
    OutboundEmail.objects.all().claim(limit=1, now=database_now(), lease=MINUTE, status="sending")
    waiting = OutboundEmail.objects.get(status="queued")
    assert "The workers are busy. Messages ahead of it: 0." in explain(waiting).sentence
    OutboundEmail.objects.filter(pk=waiting.pk).update(isolated=True)
    waiting.refresh_from_db()
    assert "it is sent on its own" in explain(waiting).sentence


def test_backoff_shows_end_and_reason(provider_api, queue_emails, deliver):
    queue_emails()
    provider_api.faults = ["503"]
    deliver()
    assert sentence().startswith("Backing off until 20")
    assert "resend responded with 503" in sentence()


def test_paused_provider_shows_end_and_reason(provider_api, queue_emails, deliver):
    queue_emails()
    provider_api.faults = ["429;retry-after=40"]
    deliver()
    assert sentence().startswith("resend asked us to wait and is paused until 20")
    assert "(in 3" in sentence()


def test_open_breaker_is_explained(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    queue_emails(6)
    provider_api.faults = ["503"] * 6
    deliver()
    assert "sequenzy keeps failing" in sentence()
    assert "the waiting emails go out" in sentence()


def test_refused_key_asks_for_a_fix(provider_api, queue_emails, deliver):
    queue_emails()
    provider_api.faults = ["401"]
    deliver()
    assert sentence().startswith("Waiting for a person: resend can't be used with its current settings.")
    assert "Resume now" in advice()


def test_paused_provider_does_not_hide_missing_worker(provider_api, queue_emails, deliver):
    queue_emails()
    provider_api.faults = ["401"]
    deliver()
    travel(timedelta(hours=1))
    assert "no worker seems to be running" in sentence()


def test_claimed_message_and_dead_worker_are_explained(queue_emails):
    queue_emails()
    OutboundEmail.objects.all().claim(limit=1, now=database_now(), lease=MINUTE, status="sending")
    assert "about to call the provider" in sentence()
    travel(MINUTE)
    assert "Another worker will take over" in sentence()
    travel(MINUTE)
    assert "no worker seems to be running" in sentence()


@pytest.fixture
def unknown_attempt(provider_api, queue_emails, deliver) -> DeliveryAttempt:
    queue_emails()
    provider_api.faults = ["cut-after"]
    deliver()
    return DeliveryAttempt.objects.get()


def test_message_being_sent_shows_since_when(unknown_attempt):
    DeliveryAttempt.objects.all().claim(limit=1, now=unknown_attempt.due_at, lease=MINUTE, outcome="pending")
    assert sentence().startswith("Being sent through resend. The first attempt was at 20")


def test_unknown_outcome_shows_when_it_is_repeated(unknown_attempt):
    assert "It's unknown whether resend accepted it." in sentence()
    assert "The same call will be repeated" in sentence()
    ProviderState.objects.update(paused_until=database_now() + timedelta(hours=3, minutes=30))
    assert "(in 3 hours)" in sentence()


def test_unknown_outcome_without_a_worker_is_explained(unknown_attempt):
    travel(timedelta(minutes=10))
    assert "no worker seems to be running" in sentence()


def test_sent_message_shows_provider_and_id(queue_emails, deliver):
    queue_emails()
    deliver()
    email = OutboundEmail.objects.get()
    assert sentence().startswith(f"resend accepted it as {email.provider_message_id} at 20")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("refused", "rejected it permanently"),
        ("unsupported", "doesn't support messages like this"),
        ("gave_up", "within two days"),
        ("outcome_unknown", "couldn't find out whether it arrived"),
        ("quarantined", "set aside"),
        ("", "It failed."),
    ],
)
def test_failure_shows_reason_and_advice(queue_emails, reason, expected):
    queue_emails()
    OutboundEmail.objects.update(status="failed", reason=reason, detail="No such user.", settled_at=database_now())
    assert expected in sentence()
    assert "“No such user.”" in sentence()
    assert "etry" in advice()
    OutboundEmail.objects.update(content=None)
    assert "have the person request a new one" in advice()


def test_suppressed_message_shows_address_and_cause(queue_emails, deliver):
    suppress("person-0@example.com", cause="complaint")
    queue_emails()
    deliver()
    assert "(person-0@example.com, complaint, 20" in sentence()
    assert "remove its suppression" in advice()


def test_expired_message_advises_a_new_request(queue_emails, deliver):
    queue_emails(expires_at=database_now())
    deliver()
    assert sentence().startswith("Not sent in time.")
    assert advice() == "Have the person request a new one."


@pytest.mark.parametrize("status", Status.values)
def test_every_status_has_a_sentence(queue_emails, status):
    queue_emails()
    OutboundEmail.objects.update(status=status)
    assert sentence().endswith(".")


def test_durations_are_formatted_in_the_largest_useful_unit():
    seconds = [1, 119, 120, 7199, 7200, 172_799, 172_800]
    expected = ["1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours", "47 hours", "2 days"]
    assert [distance(timedelta(seconds=number)) for number in seconds] == expected
