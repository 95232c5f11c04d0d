"""Scheduled sending through the outbox: the row waits, whatever the provider supports."""

from datetime import UTC, datetime, timedelta

import pytest

from emails.models import OutboundEmail, Status
from emails.support import actions
from emails.support.explanations import explain
from emails.tests.conftest import PROVIDERS
from emails.tests.support.clock import travel
from emails.tracking.suppressions import suppress

TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def scheduled_email(queue_emails):
    (row,) = queue_emails(send_at=TOMORROW)
    return row


@pytest.mark.parametrize("provider", PROVIDERS)
def test_scheduled_email_waits_and_is_then_sent(provider_api, use_provider, scheduled_email, deliver, provider):
    use_provider(provider)
    deliver()
    assert provider_api.calls == 0
    assert explain(OutboundEmail.objects.get()).sentence.startswith("Scheduled for ")
    travel(timedelta(days=1))
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert not {"send_at", "scheduled_at"} & provider_api.accepted[0].payload.keys()


def test_scheduled_email_can_be_cancelled(provider_api, scheduled_email, deliver):
    actions.cancel(scheduled_email)
    travel(timedelta(days=1))
    deliver()
    assert provider_api.calls == 0


def test_address_suppressed_meanwhile_gets_nothing(provider_api, scheduled_email, deliver):
    suppress("person-0@example.com", cause="complaint")
    travel(timedelta(days=1))
    deliver()
    assert (OutboundEmail.objects.get().status, provider_api.calls) == (Status.SUPPRESSED, 0)


def test_row_without_send_at_still_loads(queue_emails, deliver, provider_api):
    (row,) = queue_emails()
    del row.content["send_at"]
    row.save()
    deliver()
    assert len(provider_api.accepted) == 1


def test_send_at_in_the_past_sends_now(queue_emails, deliver, provider_api):
    queue_emails(send_at=datetime.now(UTC) - timedelta(days=1))
    deliver()
    assert len(provider_api.accepted) == 1


def test_invalid_send_at_is_refused_when_queued(queue_emails):
    with pytest.raises(ValueError, match="send_at"):
        queue_emails(send_at="tomorrow")
