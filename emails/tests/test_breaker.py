"""The breaker: it opens after five failures in a row, probes every 15 seconds, and closes at the first success."""

from datetime import timedelta

import pytest
from django.conf import settings

from emails import monitoring
from emails.delivery.drain import SUBMITTED_PER_THREAD
from emails.models import OutboundEmail, ProviderState, Status
from emails.tests.support.clock import travel


@pytest.fixture
def outage(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")  # one call per message
    queue_emails(80)
    provider_api.down = True
    deliver()
    return provider_api


def test_breaker_opens_after_five_failures(outage, deliver):
    assert ProviderState.objects.get().reason == ProviderState.PauseReason.BREAKER
    calls = outage.calls
    assert calls <= 5 + SUBMITTED_PER_THREAD * settings.EMAIL_DELIVERY_THREADS, (
        "only calls that were already in progress"
    )
    deliver()
    assert outage.calls == calls
    assert monitoring.report().providers["sequenzy"]["state"] == "open"


def test_breaker_sends_one_probe_every_15_seconds(outage, deliver):
    for _ in range(4):
        calls = outage.calls
        travel(timedelta(seconds=16))
        deliver()
        deliver()
        assert outage.calls == calls + 1


def test_probe_does_not_count_as_a_failed_attempt(outage, deliver):
    failures = sum(OutboundEmail.objects.values_list("failures", flat=True))
    for _ in range(10):
        travel(timedelta(seconds=16))
        deliver()
    assert sum(OutboundEmail.objects.values_list("failures", flat=True)) == failures


def test_first_success_releases_waiting_messages(outage, deliver):
    OutboundEmail.objects.filter(status=Status.QUEUED, failures__gt=0).update(failures=9)
    outage.down = False
    travel(timedelta(seconds=16))
    deliver()
    travel(timedelta(seconds=31))
    deliver()
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
    assert ProviderState.objects.get().reason == ""


def test_one_failing_message_does_not_open_the_breaker(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    for _ in range(8):
        queue_emails(2)
        provider_api.faults = ["503"]
        deliver()
    assert ProviderState.objects.get().reason == ""


def test_missing_key_is_reported_by_name_and_keeps_message_queued(provider_api, queue_emails, deliver, settings):
    queue_emails()
    settings.RESEND_API_KEY = ""
    deliver()
    report = monitoring.report()
    assert report.providers["resend"]["state"] == "misconfigured"
    assert "RESEND_API_KEY" in report.providers["resend"]["reason"]
    assert OutboundEmail.objects.get().status == Status.QUEUED
