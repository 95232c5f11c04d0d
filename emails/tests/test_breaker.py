"""The breaker: after five failures in a row one probe every 15 seconds, and a release at the first success."""

from datetime import timedelta

import pytest
from django.conf import settings

from emails import monitoring
from emails.delivery.drain import SUBMITTED_PER_THREAD
from emails.models import OutboundEmail, ProviderState, Status
from emails.tests.support.clock import travel


@pytest.fixture
def outage(api, outbox, queue, deliver):
    outbox("sequenzy")  # a call for each message
    queue(80)
    api.down = True
    deliver()
    return api


def test_it_opens_after_five_failures(outage, deliver):
    assert ProviderState.objects.get().reason == ProviderState.PauseReason.BREAKER
    calls = outage.calls
    assert calls <= 5 + SUBMITTED_PER_THREAD * settings.EMAIL_DELIVERY_THREADS, "no more than it had in hand"
    deliver()
    assert outage.calls == calls
    assert monitoring.report().providers["sequenzy"]["state"] == "open"


def test_one_probe_every_15_seconds(outage, deliver):
    for _ in range(4):
        calls = outage.calls
        travel(timedelta(seconds=16))
        deliver()
        deliver()
        assert outage.calls == calls + 1


def test_a_probe_costs_a_message_no_try(outage, deliver):
    failures = sum(OutboundEmail.objects.values_list("failures", flat=True))
    for _ in range(10):
        travel(timedelta(seconds=16))
        deliver()
    assert sum(OutboundEmail.objects.values_list("failures", flat=True)) == failures


def test_the_first_success_releases_what_waits(outage, deliver):
    OutboundEmail.objects.filter(status=Status.QUEUED, failures__gt=0).update(failures=9)
    outage.down = False
    travel(timedelta(seconds=16))
    deliver()
    travel(timedelta(seconds=31))
    deliver()
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
    assert ProviderState.objects.get().reason == ""


def test_one_message_that_always_breaks_does_not_open_it(api, outbox, queue, deliver):
    outbox("sequenzy")
    for _ in range(8):
        queue(2)
        api.faults = ["503"]
        deliver()
    assert ProviderState.objects.get().reason == ""


def test_a_missing_key_waits_for_a_person_and_says_which(api, queue, deliver, settings):
    queue()
    settings.RESEND_API_KEY = ""
    deliver()
    report = monitoring.report()
    assert report.providers["resend"]["state"] == "misconfigured"
    assert "RESEND_API_KEY" in report.providers["resend"]["reason"]
    assert OutboundEmail.objects.get().status == Status.QUEUED
