"""What each kind of answer does to a message: who waits, who fails, and never a second copy."""

from datetime import timedelta

import pytest

from common.db import database_now
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Reason, Status, Suppression
from emails.tests.conftest import KEYED, PROVIDERS
from emails.tests.support.clock import travel
from emails.tracking.suppressions import suppress

HOUR = timedelta(hours=1)


def the_row() -> OutboundEmail:
    return OutboundEmail.objects.get()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_accepted_message_is_sent(api, outbox, queue, deliver, provider):
    outbox(provider)
    queue()
    assert deliver() == 1
    row = the_row()
    assert (row.status, row.provider, row.due_at) == (Status.SENT, provider, None)
    assert row.provider_message_id
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.outcome, attempt.body) == ("accepted", None)
    assert [mail.recipients for mail in api.accepted] == [["person-0@example.com"]]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["500-html", "cut-after", "timeout-after", "rubbish"])
def test_an_unknown_outcome_is_repeated_with_the_same_bytes(api, outbox, queue, deliver, settings, provider, fault):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 1
    outbox(provider)
    queue()
    api.faults = [fault]
    deliver()
    row, attempt = the_row(), DeliveryAttempt.objects.get()
    if provider == "sendgrid" and fault == "rubbish":  # any 202 of SendGrid's is an acceptance
        assert row.status == Status.SENT
        return
    assert (row.status, row.reason, attempt.outcome) == (Status.SENDING, Reason.UNKNOWN, "unknown")
    body = bytes(attempt.body or b"")

    travel(timedelta(minutes=6))
    row.refresh_from_db()
    deliver()
    assert the_row().status == Status.SENT
    assert [bytes(payload) for payload in api.bodies[-2:]] == [body, body]
    copies = len(api.accepted)
    assert copies == 1 if provider in KEYED else copies <= 2


@pytest.mark.parametrize("provider", KEYED)
def test_a_deploy_between_two_calls_does_not_change_what_is_repeated(
    api, outbox, queue, deliver, monkeypatch, provider
):
    outbox(provider)
    (row,) = queue()
    api.faults = ["cut-after"]
    deliver()
    content = {**row.content, "subject": "A new template", "text": "Another text."}
    OutboundEmail.objects.update(content=content)
    monkeypatch.setattr("emails.backends.base.DeliveryBackend.serialize", lambda *_: pytest.fail("serialized again"))
    Suppression.objects.create(address="person-0@example.com")
    travel(timedelta(minutes=1))
    deliver()
    assert the_row().status == Status.SENT
    assert len(api.accepted) == 1


@pytest.mark.parametrize(("provider", "key_lives"), [("resend", timedelta(hours=24)), ("sequenzy", timedelta(days=14))])
def test_an_unknown_outcome_older_than_its_key_is_left_to_a_person(api, outbox, queue, deliver, provider, key_lives):
    outbox(provider)
    queue()
    api.faults = ["cut-after"]
    deliver()
    travel(key_lives - 2 * HOUR)
    api.faults = ["500-html"]
    deliver()
    assert the_row().status == Status.SENDING
    calls = api.calls
    travel(HOUR + timedelta(minutes=1))
    deliver()
    assert (the_row().status, the_row().reason) == (Status.FAILED, Reason.OUTCOME_UNKNOWN)
    assert api.calls == calls
    assert DeliveryAttempt.objects.get().body is None


def test_without_keys_a_kind_that_must_not_be_repeated_is_left_to_a_person(api, outbox, queue, deliver, settings):
    settings.EMAIL_KINDS_NEVER_REPEATED = ["receipt"]
    outbox("sendgrid")
    queue(kind="receipt")
    api.faults = ["cut-after"]
    deliver()
    travel(timedelta(minutes=6))
    deliver()
    assert (the_row().status, the_row().reason) == (Status.FAILED, Reason.OUTCOME_UNKNOWN)
    assert len(api.accepted) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_retry_after_pauses_the_provider_to_the_second_and_costs_no_try(api, outbox, queue, deliver, provider):
    outbox(provider)
    queue(3)
    api.faults = ["429;retry-after=40"] * 3
    deliver()
    calls = api.calls
    assert set(OutboundEmail.objects.values_list("status", "failures")) == {(Status.QUEUED, 0)}
    state = ProviderState.objects.get(name=provider)
    assert state.paused_until
    assert timedelta(seconds=37) < state.paused_until - database_now() <= timedelta(seconds=40)
    travel(timedelta(seconds=36))
    deliver()
    assert api.calls == calls
    travel(timedelta(seconds=4))
    api.faults = []
    deliver()
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
    assert len(api.accepted) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refused_key_waits_for_a_person_and_then_the_mail_goes_out(api, outbox, queue, deliver, caplog, provider):
    outbox(provider)
    queue(3)
    api.faults = ["401"] * 1000
    for _ in range(24):
        deliver()
        travel(HOUR)
    assert api.calls <= 24 + 3, "one probe at a time"
    assert set(OutboundEmail.objects.values_list("status", "reason")) == {(Status.QUEUED, Reason.CONFIGURATION)}
    assert any(record.levelname == "ERROR" for record in caplog.records)
    api.faults = []
    deliver()
    travel(timedelta(seconds=40))
    deliver()
    assert len(api.accepted) == 3


@pytest.mark.parametrize("provider", ["sequenzy", "sendgrid"])  # Resend's batches: test_batches.py
def test_a_refused_message_fails_at_once_and_alone(api, outbox, queue, deliver, provider):
    outbox(provider)
    queue(3)
    api.faults = ["422"]
    deliver()
    assert OutboundEmail.objects.filter(status=Status.SENT).count() == 2
    failed = OutboundEmail.objects.get(status=Status.FAILED)
    assert failed.reason == Reason.REFUSED
    assert failed.detail
    assert api.calls == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_line_cut_before_acceptance_is_repeated(api, outbox, queue, deliver, provider):
    outbox(provider)
    queue()
    api.faults = ["cut-before"]
    deliver()
    travel(timedelta(minutes=6))
    deliver()
    assert the_row().status == Status.SENT
    assert len(api.accepted) == 1


def test_a_message_that_stays_refused_is_given_up_after_two_days(api, outbox, queue, deliver):
    queue()
    api.down = True
    for _ in range(49):
        deliver()
        travel(HOUR)
    deliver()
    assert (the_row().status, the_row().reason) == (Status.FAILED, Reason.GAVE_UP)


def test_an_expired_message_is_not_delivered(api, queue, deliver):
    queue(expires_at=database_now() + HOUR)
    travel(2 * HOUR)
    deliver()
    assert the_row().status == Status.EXPIRED
    assert api.calls == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_copy_goes_out_where_everybody_in_to_is_suppressed(api, outbox, queue, deliver, provider):
    outbox(provider)
    suppress("ada@example.com", cause="hard_bounce")
    queue(to=["ada@example.com"], cc=["bob@example.com"], bcc=["eve@example.com"])
    deliver()
    assert (the_row().status, api.accepted[0].recipients) == (Status.SENT, ["bob@example.com", "eve@example.com"])


def test_a_suppressed_address_is_looked_up_when_sending(api, queue, deliver):
    queue(2)
    Suppression.objects.create(address="Person-0@example.com")
    Suppression.objects.create(address="person-1@example.com", until=database_now() - HOUR)
    deliver()
    assert [row.status for row in OutboundEmail.objects.order_by("recipients")] == [Status.SUPPRESSED, Status.SENT]
    assert api.calls == 1


def test_what_the_provider_cannot_carry_fails_without_a_call(api, outbox, queue, deliver):
    outbox("sequenzy")
    queue(extra_headers={"List-Unsubscribe": "<https://example.com/u>"})
    deliver()
    assert (the_row().status, the_row().reason) == (Status.FAILED, Reason.UNSUPPORTED)
    assert "List-Unsubscribe" in the_row().detail
    assert api.calls == 0


def test_many_messages_that_end_without_a_call_do_not_hide_one_that_does_not(api, queue, deliver):
    queue(40, expires_at=database_now() - HOUR)
    queue(1)
    deliver()
    assert len(api.accepted) == 1


@pytest.mark.parametrize("debug", [True, False])
def test_a_sensitive_body_is_blanked_once_sent_except_with_debug(queue, deliver, settings, debug):
    settings.DEBUG = debug
    queue(sensitive=True)
    deliver()
    assert the_row().status == Status.SENT
    assert the_row().is_blanked is not debug


def test_a_new_provider_takes_over_all_but_the_unknown(api, outbox, queue, deliver):
    outbox("sequenzy")
    queue(2)
    api.faults = ["cut-after", "503"]
    deliver()
    outbox("sendgrid")
    travel(timedelta(minutes=1))
    deliver()
    taken = OutboundEmail.objects.filter(status=Status.SENT).values_list("provider", flat=True)
    assert sorted(taken) == ["sendgrid", "sequenzy"]
    assert len(api.accepted) == 2
