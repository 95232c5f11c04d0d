"""Events that come before our own commit, or instead of an answer: they find their row, and prevent a second copy."""

from datetime import timedelta
from typing import Any

import pytest

from emails.delivery import claims, drain
from emails.delivery.calls import Call
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Reason, Status
from emails.tests.support.clock import travel
from emails.tests.support.provider_payloads import status
from emails.tracking import recording


def call_made() -> tuple[Call, Any]:
    """A worker between the provider's answer and its own commit."""
    [call], _ = claims.next_calls(8, idle=True)
    return call, call.make()


def test_an_event_before_our_own_commit_of_sent_finds_its_row(webhooks, outbox, queue):
    outbox("sendgrid")
    (row,) = queue(sensitive=True)
    finished = call_made()
    webhooks("sendgrid").tell("delivered", message="", ours=row.pk)
    drain.settle_despite_outages([finished])
    row.refresh_from_db()
    assert (row.status, row.content, row.due_at) == (Status.DELIVERED, None, None)
    assert row.sent_at is not None
    assert row.provider_message_id
    assert DeliveryAttempt.objects.get().outcome == "accepted"


def test_sequenzys_early_event_waits_for_the_id(webhooks, outbox, queue):
    outbox("sequenzy")
    (row,) = queue()
    call, answer = call_made()
    webhooks("sequenzy").tell("email.delivered", message=answer.message_ids[0])
    assert DeliveryEvent.objects.get().email is None
    drain.settle_despite_outages([(call, answer)])
    assert status(row) == Status.DELIVERED
    assert row.events.count() == 1


def test_an_event_that_was_stored_at_the_same_moment_is_linked_later(webhooks, outbox, queue, deliver):
    outbox("sequenzy")
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    webhooks("sequenzy").tell("email.delivered", message="early")
    OutboundEmail.objects.update(provider_message_id="early")
    recording.link_unlinked()
    assert status(row) == Status.DELIVERED


@pytest.mark.parametrize("fault", ["cut-after", "timeout-after", "500-after"])
def test_sendgrids_unknown_outcome_is_settled_by_an_event(webhooks, api, outbox, queue, deliver, settings, fault):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 1
    outbox("sendgrid")
    (row,) = queue()
    api.faults = [fault]
    deliver()
    assert status(row) == Status.SENDING
    webhooks("sendgrid").tell("processed", message="theirs", ours=row.pk)
    assert status(row) == Status.SENT
    assert DeliveryAttempt.objects.get().outcome == "accepted"
    travel(timedelta(minutes=6))
    deliver()
    assert len(api.accepted) == 1


def test_without_an_event_it_is_repeated_after_five_minutes(webhooks, api, outbox, queue, deliver):
    outbox("sendgrid")
    (row,) = queue()
    api.faults = ["cut-before"]
    deliver()
    travel(timedelta(minutes=4))
    deliver()
    assert api.calls == 1
    travel(timedelta(minutes=2))
    deliver()
    assert (status(row), api.calls) == (Status.SENT, 2)


def test_an_event_while_the_call_ends_unknown_prevents_the_repeat(webhooks, api, outbox, queue, deliver):
    outbox("sendgrid")
    (row,) = queue()
    api.faults = ["cut-after"]
    finished = call_made()
    webhooks("sendgrid").tell("processed", message="theirs", ours=row.pk)
    drain.settle_despite_outages([finished])
    travel(timedelta(minutes=6))
    deliver()
    assert (status(row), len(api.accepted)) == (Status.SENT, 1)
    assert DeliveryAttempt.objects.get().outcome == "accepted"


def test_an_event_proves_what_was_given_up_as_unknown(webhooks, outbox, queue):
    (row,) = queue()
    OutboundEmail.objects.update(status=Status.FAILED, reason=Reason.OUTCOME_UNKNOWN, due_at=None)
    webhooks("resend").tell("email.delivered", message="theirs", ours=row.pk)
    assert (status(row), row.reason) == (Status.DELIVERED, "")


def test_a_queued_row_that_an_event_proves_is_not_sent_again(webhooks, api, outbox, queue, deliver):
    outbox("sendgrid")
    (row,) = queue()
    webhooks("sendgrid").tell("processed", message="theirs", ours=row.pk)
    deliver()
    assert (status(row), api.calls) == (Status.SENT, 0)
