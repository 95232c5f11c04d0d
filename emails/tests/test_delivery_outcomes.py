"""What each kind of provider response does to a message: retry, failure, or repeat, but never a second copy."""

from datetime import timedelta

import pytest

from common.db import database_now
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Reason, Status, Suppression
from emails.tests.conftest import KEYED, PROVIDERS
from emails.tests.support.clock import travel
from emails.tracking.suppressions import suppress

HOUR = timedelta(hours=1)


def get_row() -> OutboundEmail:
    return OutboundEmail.objects.get()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_accepted_message_is_sent(provider_api, use_provider, queue_emails, deliver, provider):
    use_provider(provider)
    queue_emails()
    assert deliver() == 1
    row = get_row()
    assert row.status == Status.SENT
    assert row.provider == provider
    assert row.due_at is None
    assert row.provider_message_id
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.outcome, attempt.body) == ("accepted", None)
    assert [email.recipients for email in provider_api.accepted] == [["person-0@example.com"]]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["500-html", "cut-after", "timeout-after", "rubbish"])
def test_unknown_attempt_is_repeated_with_same_bytes(
    provider_api, use_provider, queue_emails, deliver, provider, fault
):
    use_provider(provider)
    queue_emails()
    provider_api.faults = [fault]
    deliver()
    row, attempt = get_row(), DeliveryAttempt.objects.get()
    if provider == "sendgrid" and fault == "rubbish":  # SendGrid accepts with any 202
        assert row.status == Status.SENT
        return
    assert row.status == Status.SENDING
    assert row.reason == Reason.UNKNOWN
    assert attempt.outcome == "unknown"
    body = bytes(attempt.body or b"")

    travel(timedelta(minutes=6))
    row.refresh_from_db()
    deliver()
    assert get_row().status == Status.SENT
    assert [bytes(payload) for payload in provider_api.bodies[-2:]] == [body, body]
    copies = len(provider_api.accepted)
    assert copies == 1 if provider in KEYED else copies <= 2


@pytest.mark.parametrize("provider", KEYED)
def test_repeated_attempt_ignores_content_changed_by_a_deployment(
    provider_api, use_provider, queue_emails, deliver, monkeypatch, provider
):
    use_provider(provider)
    (row,) = queue_emails()
    provider_api.faults = ["cut-after"]
    deliver()
    content = {**row.content, "subject": "A new template", "text": "Another text."}
    OutboundEmail.objects.update(content=content)
    monkeypatch.setattr("emails.backends.base.DeliveryBackend.serialize", lambda *_: pytest.fail("serialized again"))
    Suppression.objects.create(address="person-0@example.com")
    travel(timedelta(minutes=1))
    deliver()
    assert get_row().status == Status.SENT
    assert len(provider_api.accepted) == 1


@pytest.mark.parametrize(("provider", "key_lives"), [("resend", timedelta(hours=24)), ("sequenzy", timedelta(days=14))])
def test_unknown_attempt_fails_once_its_key_expires(
    provider_api, use_provider, queue_emails, deliver, provider, key_lives
):
    use_provider(provider)
    queue_emails()
    provider_api.faults = ["cut-after"]
    deliver()
    travel(key_lives - 2 * HOUR)
    provider_api.faults = ["500-html"]
    deliver()
    assert get_row().status == Status.SENDING
    calls = provider_api.calls
    travel(HOUR + timedelta(minutes=1))
    deliver()
    assert (get_row().status, get_row().reason) == (Status.FAILED, Reason.OUTCOME_UNKNOWN)
    assert provider_api.calls == calls
    assert DeliveryAttempt.objects.get().body is None


def test_never_repeated_kind_fails_after_unknown_outcome_without_keys(
    provider_api, use_provider, queue_emails, deliver, settings
):
    settings.EMAIL_KINDS_NEVER_REPEATED = ["receipt"]
    use_provider("sendgrid")
    queue_emails(kind="receipt")
    provider_api.faults = ["cut-after"]
    deliver()
    travel(timedelta(minutes=6))
    deliver()
    assert (get_row().status, get_row().reason) == (Status.FAILED, Reason.OUTCOME_UNKNOWN)
    assert len(provider_api.accepted) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_retry_after_pauses_provider_without_counting_a_failure(
    provider_api, use_provider, queue_emails, deliver, provider
):
    use_provider(provider)
    queue_emails(3)
    retry_after = 3000
    provider_api.faults = [f"429;retry-after={retry_after}"] * 3
    before = database_now()
    deliver()
    calls = provider_api.calls
    assert set(OutboundEmail.objects.values_list("status", "failures")) == {(Status.QUEUED, 0)}
    state = ProviderState.objects.get(name=provider)
    assert state.paused_until
    pause = timedelta(seconds=retry_after)
    assert before + pause <= state.paused_until <= database_now() + pause
    deliver()
    assert provider_api.calls == calls
    travel(pause)
    provider_api.faults = []
    deliver()
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
    assert len(provider_api.accepted) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_refused_api_key_pauses_until_fixed(provider_api, use_provider, queue_emails, deliver, caplog, provider):
    use_provider(provider)
    queue_emails(3)
    provider_api.faults = ["401"] * 1000
    for _ in range(24):
        deliver()
        travel(HOUR)
    assert provider_api.calls <= 24 + 3, "at most one probe per drain once the provider is paused"
    assert set(OutboundEmail.objects.values_list("status", "reason")) == {(Status.QUEUED, Reason.CONFIGURATION)}
    assert any(record.levelname == "ERROR" for record in caplog.records)
    provider_api.faults = []
    deliver()
    travel(timedelta(seconds=40))
    deliver()
    assert len(provider_api.accepted) == 3


@pytest.mark.parametrize("provider", ["sequenzy", "sendgrid"])  # for Resend, see test_batches.py
def test_refused_message_fails_alone(provider_api, use_provider, queue_emails, deliver, provider):
    use_provider(provider)
    queue_emails(3)
    provider_api.faults = ["422"]
    deliver()
    assert OutboundEmail.objects.filter(status=Status.SENT).count() == 2
    failed = OutboundEmail.objects.get(status=Status.FAILED)
    assert failed.reason == Reason.REFUSED
    assert failed.detail
    assert provider_api.calls == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_attempt_cut_before_acceptance_is_repeated(provider_api, use_provider, queue_emails, deliver, provider):
    use_provider(provider)
    queue_emails()
    provider_api.faults = ["cut-before"]
    deliver()
    travel(timedelta(minutes=6))
    deliver()
    assert get_row().status == Status.SENT
    assert len(provider_api.accepted) == 1


def test_message_fails_after_two_days_of_refusals(provider_api, outbox, queue_emails, deliver):
    queue_emails()
    provider_api.down = True
    for _ in range(49):
        deliver()
        travel(HOUR)
    deliver()
    assert (get_row().status, get_row().reason) == (Status.FAILED, Reason.GAVE_UP)


def test_expired_message_is_not_delivered(provider_api, queue_emails, deliver):
    queue_emails(expires_at=database_now() + HOUR)
    travel(2 * HOUR)
    deliver()
    assert get_row().status == Status.EXPIRED
    assert provider_api.calls == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_copies_are_sent_if_every_to_address_is_suppressed(provider_api, use_provider, queue_emails, deliver, provider):
    use_provider(provider)
    suppress("ada@example.com", cause="hard_bounce")
    queue_emails(to=["ada@example.com"], cc=["bob@example.com"], bcc=["eve@example.com"])
    deliver()
    assert (get_row().status, provider_api.accepted[0].recipients) == (
        Status.SENT,
        ["bob@example.com", "eve@example.com"],
    )


def test_suppression_is_checked_at_send_time(provider_api, queue_emails, deliver):
    queue_emails(2)
    Suppression.objects.create(address="Person-0@example.com")
    Suppression.objects.create(address="person-1@example.com", until=database_now() - HOUR)
    deliver()
    assert [row.status for row in OutboundEmail.objects.order_by("recipients")] == [Status.SUPPRESSED, Status.SENT]
    assert provider_api.calls == 1


def test_unsupported_message_fails_without_a_call(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    queue_emails(extra_headers={"List-Unsubscribe": "<https://example.com/u>"})
    deliver()
    assert (get_row().status, get_row().reason) == (Status.FAILED, Reason.UNSUPPORTED)
    assert "List-Unsubscribe" in get_row().detail
    assert provider_api.calls == 0


def test_messages_without_a_call_do_not_block_others(provider_api, queue_emails, deliver):
    queue_emails(40, expires_at=database_now() - HOUR)
    queue_emails(1)
    deliver()
    assert len(provider_api.accepted) == 1


@pytest.mark.parametrize("debug", [True, False])
def test_sensitive_body_is_blanked_after_sending_unless_debug(queue_emails, deliver, settings, debug):
    settings.DEBUG = debug
    queue_emails(sensitive=True)
    deliver()
    assert get_row().status == Status.SENT
    assert get_row().is_body_deleted is not debug


def test_new_provider_takes_over_all_but_unknown_attempts(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    queue_emails(2)
    provider_api.faults = ["cut-after", "503"]
    deliver()
    use_provider("sendgrid")
    travel(timedelta(minutes=1))
    deliver()
    taken = OutboundEmail.objects.filter(status=Status.SENT).values_list("provider", flat=True)
    assert sorted(taken) == ["sendgrid", "sequenzy"]
    assert len(provider_api.accepted) == 2
