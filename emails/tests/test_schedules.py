"""Mail that is to be sent later: through the outbox the row waits itself, whatever its provider can do."""

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
def scheduled(queue):
    (row,) = queue(send_at=TOMORROW)
    return row


@pytest.mark.parametrize("provider", PROVIDERS)
def test_scheduled_email_waits_and_is_then_sent(api, outbox, scheduled, deliver, provider):
    outbox(provider)
    deliver()
    assert api.calls == 0
    assert explain(OutboundEmail.objects.get()).sentence.startswith("Scheduled for ")
    travel(timedelta(days=1))
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert not {"send_at", "scheduled_at"} & api.accepted[0].payload.keys()


def test_scheduled_email_can_be_cancelled(api, scheduled, deliver):
    actions.cancel(scheduled)
    travel(timedelta(days=1))
    deliver()
    assert api.calls == 0


def test_address_suppressed_meanwhile_gets_nothing(api, scheduled, deliver):
    suppress("person-0@example.com", cause="complaint")
    travel(timedelta(days=1))
    deliver()
    assert (OutboundEmail.objects.get().status, api.calls) == (Status.SUPPRESSED, 0)


def test_row_without_send_at_still_loads(queue, deliver, api):
    (row,) = queue()
    del row.content["send_at"]
    row.save()
    deliver()
    assert len(api.accepted) == 1


def test_send_at_in_the_past_sends_now(queue, deliver, api):
    queue(send_at=datetime.now(UTC) - timedelta(days=1))
    deliver()
    assert len(api.accepted) == 1


def test_invalid_send_at_is_refused_when_queued(queue):
    with pytest.raises(ValueError, match="send_at"):
        queue(send_at="tomorrow")
