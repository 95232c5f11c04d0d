"""The actions that a person can take on a message, and the explanation if one is refused."""

from datetime import timedelta

import pytest

from common.actions import ActionRefused
from common.db import database_now
from emails.models import OutboundEmail, ProviderState, Status, Suppression
from emails.support import actions
from emails.support.actions import cancel, resend, retry, retry_even_twice
from emails.tests.support.clock import travel
from emails.tracking.suppressions import suppress

UNSENT = ["failed", "expired", "cancelled", "suppressed"]


@pytest.fixture
def make_ended_email(queue_emails):
    def make_ended_email(status: str, **changes) -> OutboundEmail:
        (email,) = queue_emails()
        fields = {"status": status, "due_at": None, "settled_at": database_now(), **changes}
        OutboundEmail.objects.filter(pk=email.pk).update(**fields)
        return OutboundEmail.objects.get(pk=email.pk)

    return make_ended_email


@pytest.fixture
def unknown_email(provider_api, queue_emails, deliver) -> OutboundEmail:
    """A message whose outcome is unknown and whose idempotency key has expired."""
    queue_emails()
    provider_api.faults = ["cut-after"]
    deliver()
    travel(timedelta(hours=24))
    deliver()
    return OutboundEmail.objects.get(reason="outcome_unknown")


@pytest.mark.parametrize("status", UNSENT)
def test_unsent_message_can_be_retried(make_ended_email, deliver, status):
    email = make_ended_email(status, failures=7, crashes=5, isolated=True, reason="gave_up")
    retry(email)
    email.refresh_from_db()
    assert email.status == "queued"
    assert email.reason == ""
    assert email.failures == 0
    assert email.crashes == 0
    assert email.isolated is False
    assert deliver() == 1
    email.refresh_from_db()
    assert email.status == Status.SENT


def test_retry_cuts_backoff_short(provider_api, queue_emails, deliver):
    (email,) = queue_emails()
    provider_api.faults = ["503"]
    deliver()
    email.refresh_from_db()
    assert email.due_at > database_now()
    retry(email)
    deliver()
    email.refresh_from_db()
    assert email.status == Status.SENT


def test_retry_wakes_a_worker(make_ended_email, django_capture_on_commit_callbacks):
    email = make_ended_email("failed")
    with django_capture_on_commit_callbacks() as callbacks:
        retry(email)
    assert [callback.__name__ for callback in callbacks] == ["wake_worker"]


def test_message_in_open_attempt_is_not_retried(provider_api, queue_emails, deliver):
    (email,) = queue_emails()
    provider_api.faults = ["cut-after"]
    deliver()
    email.refresh_from_db()
    with pytest.raises(ActionRefused, match="don't know yet"):
        retry_even_twice(email)


def test_message_held_by_a_worker_is_left_alone(queue_emails):
    (email,) = queue_emails()
    now = database_now()
    OutboundEmail.objects.all().claim(limit=1, now=now, lease=timedelta(minutes=1), status=Status.SENDING)
    for action in (retry, cancel):  # as if the worker claimed the row after the page was loaded
        with pytest.raises(ActionRefused, match="is processing it right now"):
            action(email)
    email.refresh_from_db()
    assert email.status == Status.SENDING
    with pytest.raises(ActionRefused, match="Only a queued message"):
        cancel(email)


def test_unknown_outcome_needs_consent_to_a_second_copy(provider_api, unknown_email, deliver):
    with pytest.raises(ActionRefused, match="second copy"):
        retry(unknown_email)
    retry_even_twice(unknown_email)
    deliver()
    unknown_email.refresh_from_db()
    assert unknown_email.status == Status.SENT
    assert len(provider_api.accepted) == 2


def test_only_fitting_actions_are_offered(unknown_email, make_ended_email):
    assert list(actions.offered_actions(unknown_email)) == ["retry_even_twice"]
    assert list(actions.offered_actions(make_ended_email("failed"))) == ["retry"]
    assert list(actions.offered_actions(make_ended_email("sent"))) == ["resend"]


@pytest.mark.parametrize(("action", "status"), [(retry, "failed"), (resend, "sent")])
def test_blanked_or_expired_message_must_be_requested_again(make_ended_email, action, status):
    blanked = make_ended_email(status, content=None)
    late = make_ended_email(status, expires_at=database_now())
    for email in (blanked, late):
        with pytest.raises(ActionRefused, match="have the person request a new one"):
            action(email)
        email.refresh_from_db()
        assert email.status == status


def test_suppression_must_be_lifted_before_retry(make_ended_email):
    email = make_ended_email("suppressed")
    suppress("person-0@example.com", cause="manual")
    with pytest.raises(ActionRefused, match="Remove the suppression first"):
        retry(email)
    Suppression.objects.get().delete()
    retry(email)


def test_sent_message_is_not_retried(make_ended_email):
    with pytest.raises(ActionRefused, match="use resend"):
        retry(make_ended_email("sent"))


def test_cancel_stops_a_message_and_blanks_live_links(provider_api, queue_emails, deliver):
    (email,) = queue_emails(sensitive=True)
    cancel(email)
    email.refresh_from_db()
    assert email.status == Status.CANCELLED
    assert email.due_at is None
    assert email.content is None
    assert deliver() == provider_api.calls == 0


def test_resend_creates_an_independent_copy(provider_api, queue_emails, deliver):
    (email,) = queue_emails(kind="receipt", idempotency_key="receipt:in_1", metadata={"user_id": "7"})
    deliver()
    email.refresh_from_db()
    copy = resend(email)
    deliver()
    copy.refresh_from_db()
    assert copy.status == Status.SENT
    assert copy.kind == "receipt"
    assert copy.idempotency_key is None
    assert copy.metadata == {"user_id": "7", "resent_from": str(email.pk)}
    assert len(provider_api.accepted) == 2
    assert copy.provider_message_id != email.provider_message_id


def test_unsent_message_is_not_resent(queue_emails):
    (email,) = queue_emails()
    with pytest.raises(ActionRefused, match="Use retry"):
        resend(email)
    assert OutboundEmail.objects.count() == 1


def test_resumed_provider_is_called_immediately(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    queue_emails(2)
    provider_api.faults = ["401", "401"]
    deliver()
    state = ProviderState.objects.get(name="sequenzy")
    assert state.is_paused(database_now())
    actions.resume(state)
    assert OutboundEmail.objects.filter(due_at__gt=database_now() + timedelta(seconds=30)).count() == 0
    travel(timedelta(seconds=30))
    deliver()
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
