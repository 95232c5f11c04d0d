"""Scheduled sending by the provider itself, as it arrives at each provider."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from emails.tests.support.captured import REFUSED, payload_or_refused
from emails.tests.support.messages import mail, sent

SOON = datetime.now(UTC).replace(microsecond=123456) + timedelta(hours=2)


@pytest.mark.parametrize(
    "form",
    [SOON, SOON.timestamp(), int(SOON.timestamp()), timezone.make_naive(SOON)],
    ids=["aware", "float", "int", "naive"],
)
def test_send_at_is_accepted_in_every_form(provider_api, provider, form):
    message = mail()
    message.send_at = form
    result = payload_or_refused(provider, provider_api, message)
    if provider == "sequenzy":
        assert result == REFUSED
    elif provider == "sendgrid":
        assert result["send_at"] == int(SOON.timestamp())
    else:
        assert result["scheduled_at"][:19] == SOON.isoformat()[:19]
        assert result["scheduled_at"].endswith("Z")


@pytest.mark.parametrize(("provider", "limit"), [("resend", timedelta(days=30)), ("sendgrid", timedelta(hours=72))])
def test_send_at_too_far_ahead_is_refused(provider_api, provider, limit):
    message = mail()
    message.send_at = datetime.now(UTC) + limit - timedelta(minutes=1)
    assert payload_or_refused(provider, provider_api, message) != REFUSED
    message.send_at = datetime.now(UTC) + limit + timedelta(minutes=1)
    assert payload_or_refused(provider, provider_api, message) == REFUSED


def test_send_at_in_the_past_sends_now(provider_api, provider):
    message = mail()
    message.send_at = time.time() - 60
    assert not {"scheduled_at", "send_at"} & sent(provider, provider_api, message).keys()


@pytest.mark.parametrize("nonsense", ["tomorrow", True, float("nan"), 1e30, object()])
def test_invalid_send_at_is_refused(provider_api, provider, nonsense):
    message = mail()
    message.send_at = nonsense
    assert payload_or_refused(provider, provider_api, message) == REFUSED
