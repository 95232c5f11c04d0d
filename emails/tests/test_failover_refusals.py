"""What the second provider can't or won't send waits for the first one. It never fails because of the second."""

from datetime import timedelta

from common.db import database_now
from emails.models import OutboundEmail, ProviderState, Reason, Status
from emails.tests.support.clock import travel
from emails.tests.support.sent import sent_by

SECOND = timedelta(seconds=1)
UNSENDABLE = {"reply_to": ["ann@acme.example", "ben@acme.example"]}  # Sequenzy carries one address only


def first_state(name: str = "resend") -> ProviderState:
    return ProviderState.objects.get(pk=name)


def test_message_that_the_second_cannot_carry_waits(fail_over, provider_api, queue_emails, deliver, live_through):
    fail_over("resend", "sequenzy")
    [email] = queue_emails(1, **UNSENDABLE)
    calls = provider_api.calls
    live_through(timedelta(minutes=2))
    email.refresh_from_db()
    assert (email.status, email.unsupported_by) == (Status.QUEUED, "sequenzy")
    assert provider_api.calls - calls <= 5, "only as a probe of the first provider"
    provider_api.defaults = {}
    live_through(timedelta(seconds=30))
    email.refresh_from_db()
    assert (email.status, email.provider) == (Status.SENT, "resend")


def test_message_that_waits_goes_out_if_the_first_is_back_at_once(fail_over, provider_api, queue_emails, deliver):
    fail_over("resend", "sequenzy")
    ProviderState.objects.filter(pk="resend").update(paused_until=database_now() + timedelta(minutes=1))
    [email] = queue_emails(1, **UNSENDABLE)
    deliver()
    email.refresh_from_db()
    assert (email.status, email.reason) == (Status.QUEUED, Reason.WAITS_FOR_FIRST)
    provider_api.defaults = {}
    travel(61 * SECOND)
    deliver()
    email.refresh_from_db()
    assert (email.status, email.provider, email.reason) == (Status.SENT, "resend", "")


def test_message_that_no_provider_carries_fails_at_the_first(fail_over, provider_api, queue_emails, live_through):
    fail_over("sequenzy", "resend")
    both = {"alternatives": [("<p>a</p>", "text/html"), ("<p>b</p>", "text/html")]}
    [email] = queue_emails(1, **both)
    live_through(timedelta(minutes=1))
    email.refresh_from_db()
    assert (email.status, email.reason) == (Status.FAILED, Reason.UNSUPPORTED)
    assert email.detail.startswith("sequenzy")


def test_refusal_by_the_second_is_left_to_the_first(fail_over, provider_api, queue_emails, deliver, live_through):
    fail_over()
    provider_api.defaults = {"resend": "503", "sendgrid": "400"}
    [email] = queue_emails(1)
    live_through(timedelta(minutes=1))
    email.refresh_from_db()
    assert (email.status, email.unsupported_by) == (Status.QUEUED, "sendgrid")
    provider_api.defaults = {}
    live_through(timedelta(minutes=1))
    assert sent_by() == {"sendgrid": 6, "resend": 1}


def test_bad_message_in_a_batch_of_the_second_holds_up_nobody(fail_over, provider_api, queue_emails, live_through):
    fail_over("sendgrid", "resend")
    provider_api.refused = {"bad@example.com"}
    queue_emails(20)
    [bad] = queue_emails(1, to=["bad@example.com"])
    live_through(timedelta(minutes=3))
    bad.refresh_from_db()
    assert bad.status == Status.QUEUED
    assert sent_by() == {"resend": 26}


def test_unverified_domain_at_the_second_pauses_it(fail_over, provider_api, queue_emails, live_through):
    fail_over()
    provider_api.defaults = {"resend": "503", "sendgrid": "403"}
    queue_emails(3)
    live_through(timedelta(minutes=1))
    assert first_state("sendgrid").reason == ProviderState.PauseReason.CONFIGURATION
    assert not OutboundEmail.objects.filter(status=Status.FAILED).exists()
    provider_api.defaults = {"resend": "503"}
    live_through(timedelta(minutes=10))
    assert sent_by() == {"sendgrid": 9}
