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
def test_it_waits_and_then_goes_out(api, outbox, scheduled, deliver, provider):
    outbox(provider)
    deliver()
    assert api.calls == 0
    assert explain(OutboundEmail.objects.get()).sentence.startswith("Scheduled for ")
    travel(timedelta(days=1))
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert not {"send_at", "scheduled_at"} & api.accepted[0].payload.keys()


def test_it_can_be_cancelled(api, scheduled, deliver):
    actions.cancel(scheduled)
    travel(timedelta(days=1))
    deliver()
    assert api.calls == 0


def test_who_is_suppressed_meanwhile_gets_nothing(api, scheduled, deliver):
    suppress("person-0@example.com", cause="complaint")
    travel(timedelta(days=1))
    deliver()
    assert (OutboundEmail.objects.get().status, api.calls) == (Status.SUPPRESSED, 0)


def test_a_row_of_before_the_field_existed_still_loads(queue, deliver, api):
    (row,) = queue()
    del row.content["send_at"]
    row.save()
    deliver()
    assert len(api.accepted) == 1


def test_a_time_in_the_past_is_now(queue, deliver, api):
    queue(send_at=datetime.now(UTC) - timedelta(days=1))
    deliver()
    assert len(api.accepted) == 1


def test_nonsense_is_refused_when_it_is_queued(queue):
    with pytest.raises(ValueError, match="send_at"):
        queue(send_at="tomorrow")
