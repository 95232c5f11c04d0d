"""What a person may do to a message, and what is refused with a sentence."""

from datetime import timedelta

import pytest

from common.db import database_now
from emails.models import OutboundEmail, ProviderState, Status, Suppression
from emails.support import actions
from emails.support.actions import OperationRefused, cancel, resend, retry, retry_even_twice
from emails.tests.support.clock import travel
from emails.tracking.suppressions import suppress

UNSENT = ["failed", "expired", "cancelled", "suppressed"]


@pytest.fixture
def end(queue):
    def end(status: str, **changes) -> OutboundEmail:
        (email,) = queue()
        ended = {"status": status, "due_at": None, "settled_at": database_now(), **changes}
        OutboundEmail.objects.filter(pk=email.pk).update(**ended)
        return OutboundEmail.objects.get(pk=email.pk)

    return end


@pytest.fixture
def lost(api, queue, deliver) -> OutboundEmail:
    """A message of which nobody knows whether it arrived, and whose provider's memory of it is over."""
    queue()
    api.faults = ["cut-after"]
    deliver()
    travel(timedelta(hours=24))
    deliver()
    return OutboundEmail.objects.get(reason="outcome_unknown")


@pytest.mark.parametrize("status", UNSENT)
def test_what_ended_unsent_can_be_retried(end, deliver, status):
    email = end(status, failures=7, crashes=5, isolated=True, reason="gave_up")
    retry(email)
    email.refresh_from_db()
    assert (email.status, email.reason, email.failures, email.crashes, email.isolated) == ("queued", "", 0, 0, False)
    assert deliver() == 1
    email.refresh_from_db()
    assert email.status == Status.SENT


def test_backing_off_is_cut_short(api, queue, deliver):
    (email,) = queue()
    api.faults = ["503"]
    deliver()
    email.refresh_from_db()
    assert email.due_at > database_now()
    retry(email)
    deliver()
    email.refresh_from_db()
    assert email.status == Status.SENT


def test_a_retry_rings_for_a_worker(end, django_capture_on_commit_callbacks):
    email = end("failed")
    with django_capture_on_commit_callbacks() as callbacks:
        retry(email)
    assert [callback.__name__ for callback in callbacks] == ["wake_worker"]


def test_a_message_in_an_open_attempt_is_not_retried(api, queue, deliver):
    (email,) = queue()
    api.faults = ["cut-after"]
    deliver()
    email.refresh_from_db()
    with pytest.raises(OperationRefused, match="don't know yet"):
        retry_even_twice(email)


def test_what_a_worker_holds_is_left_alone(queue):
    (email,) = queue()
    now = database_now()
    OutboundEmail.objects.all().claim(limit=1, now=now, lease=timedelta(minutes=1), status=Status.SENDING)
    for operation in (retry, cancel):  # on what the person saw, when a worker was faster
        with pytest.raises(OperationRefused, match="is processing it right now"):
            operation(email)
    email.refresh_from_db()
    assert email.status == Status.SENDING
    with pytest.raises(OperationRefused, match="Only a queued message"):
        cancel(email)


def test_an_unknown_outcome_is_retried_only_by_who_accepts_a_second_copy(api, lost, deliver):
    with pytest.raises(OperationRefused, match="second copy"):
        retry(lost)
    retry_even_twice(lost)
    deliver()
    lost.refresh_from_db()
    assert lost.status == Status.SENT
    assert len(api.accepted) == 2


def test_only_the_retry_that_fits_is_offered(lost, end):
    assert list(actions.offered_operations(lost)) == ["retry_even_twice"]
    assert list(actions.offered_operations(end("failed"))) == ["retry"]
    assert list(actions.offered_operations(end("sent"))) == ["resend"]


@pytest.mark.parametrize(("operation", "status"), [(retry, "failed"), (resend, "sent")])
def test_a_blanked_or_late_message_is_asked_for_anew(end, operation, status):
    blanked = end(status, content=None)
    late = end(status, expires_at=database_now())
    for email in (blanked, late):
        with pytest.raises(OperationRefused, match="have the person request a new one"):
            operation(email)
        email.refresh_from_db()
        assert email.status == status


def test_a_suppression_is_lifted_before_a_retry(end):
    email = end("suppressed")
    suppress("person-0@example.com", cause="manual")
    with pytest.raises(OperationRefused, match="Remove the suppression first"):
        retry(email)
    Suppression.objects.get().delete()
    retry(email)


def test_a_sent_message_is_not_retried(end):
    with pytest.raises(OperationRefused, match="use resend"):
        retry(end("sent"))


def test_cancelling_stops_a_message_and_blanks_live_links(api, queue, deliver):
    (email,) = queue(sensitive=True)
    cancel(email)
    email.refresh_from_db()
    assert (email.status, email.due_at, email.content) == (Status.CANCELLED, None, None)
    assert deliver() == api.calls == 0


def test_a_copy_is_a_message_of_its_own(api, queue, deliver):
    (email,) = queue(kind="receipt", idempotency_key="receipt:in_1", metadata={"user_id": "7"})
    deliver()
    email.refresh_from_db()
    copy = resend(email)
    deliver()
    copy.refresh_from_db()
    assert (copy.status, copy.kind, copy.idempotency_key) == (Status.SENT, "receipt", None)
    assert copy.metadata == {"user_id": "7", "resent_from": str(email.pk)}
    assert len(api.accepted) == 2
    assert copy.provider_message_id != email.provider_message_id


def test_only_what_was_sent_is_resent(queue):
    (email,) = queue()
    with pytest.raises(OperationRefused, match="Use retry"):
        resend(email)
    assert OutboundEmail.objects.count() == 1


def test_a_resumed_provider_is_called_at_once(api, outbox, queue, deliver):
    outbox("sequenzy")
    queue(2)
    api.faults = ["401", "401"]
    deliver()
    state = ProviderState.objects.get(name="sequenzy")
    assert state.is_paused(database_now())
    actions.resume(state)
    assert OutboundEmail.objects.filter(due_at__gt=database_now() + timedelta(seconds=30)).count() == 0
    travel(timedelta(seconds=30))
    deliver()
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
