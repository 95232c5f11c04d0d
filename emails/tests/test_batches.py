"""Resend's batches of 100 emails: what shares a call, and what a refusal or a dropped connection does."""

import json
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage

from emails.models import AttemptedEmail, DeliveryAttempt, OutboundEmail, Reason, Status
from emails.tests.support.clock import travel
from emails.tests.support.provider_rules import Reply
from emails.tracking.suppressions import suppress


def statuses() -> set[str]:
    return set(OutboundEmail.objects.values_list("status", flat=True))


def test_due_rows_are_sent_in_batches_of_100(provider_api, queue_emails, deliver):
    queue_emails(250)
    deliver()
    assert sorted(len(json.loads(body)) for body in provider_api.bodies) == [50, 100, 100]
    assert provider_api.last.path == "/resend/emails/batch"
    assert statuses() == {Status.SENT}


def test_single_row_is_not_batched(provider_api, queue_emails, deliver):
    queue_emails()
    deliver()
    assert provider_api.last.path == "/resend/emails"


def test_batch_is_one_attempt_with_rows_in_order(provider_api, queue_emails, deliver):
    queue_emails(3)
    deliver()
    attempt = DeliveryAttempt.objects.get()
    assert provider_api.last.headers["idempotency-key"] == str(attempt.pk)
    carried = AttemptedEmail.objects.filter(attempt=attempt).values_list("email__recipients", flat=True)
    assert list(carried) == [email.recipients[0] for email in provider_api.accepted]


def test_each_row_gets_its_own_message_id(provider_api, queue_emails, deliver):
    queue_emails(5)
    deliver()
    ids = set(OutboundEmail.objects.values_list("provider_message_id", flat=True))
    assert len(ids) == 5 and "" not in ids


def test_message_with_attachment_is_sent_alone(provider_api, queue_emails, deliver):
    queue_emails(2)
    message = EmailMessage("With a file", "See the file.", to=["filed@example.com"])
    message.attach("a.txt", "text", "text/plain")
    message.send()
    deliver()
    assert sorted(isinstance(json.loads(body), list) for body in provider_api.bodies) == [False, True]
    assert sum("attachments" in email.payload for email in provider_api.accepted) == 1
    assert statuses() == {Status.SENT}


@pytest.mark.parametrize("bad", [0, 17, 99])
def test_refused_batch_is_split_down_to_the_bad_message(provider_api, queue_emails, deliver, bad):
    queue_emails(100)
    provider_api.refused = {f"person-{bad}@example.com"}
    deliver()
    failed = OutboundEmail.objects.get(status=Status.FAILED)
    assert (failed.recipients, failed.reason) == (f"person-{bad}@example.com", Reason.REFUSED)
    assert OutboundEmail.objects.filter(status=Status.SENT).count() == 99
    assert provider_api.report()["duplicates"] == 0
    assert provider_api.calls <= 15, "a hundred is halved at most seven times, with two calls each"


def test_several_bad_messages_fail_alone(provider_api, queue_emails, deliver):
    queue_emails(100)
    provider_api.refused = {"person-3@example.com", "person-50@example.com", "person-51@example.com"}
    deliver()
    failed = OutboundEmail.objects.filter(status=Status.FAILED)
    assert set(failed.values_list("recipients", flat=True)) == provider_api.refused
    assert len(provider_api.accepted) == 97


def test_unverified_sender_does_not_block_other_messages(provider_api, queue_emails, deliver):
    queue_emails(4)
    provider_api.faults = [Reply(403, {"name": "validation_error", "message": "The domain is not verified."})]
    deliver()
    assert statuses() == {Status.SENT}


@pytest.mark.parametrize(("fault", "calls"), [("503", 2), ("429;retry-after=30", 2), ("401", 3)])  # including the probe
def test_provider_trouble_does_not_split_the_batch(provider_api, queue_emails, deliver, fault, calls):
    queue_emails(4)
    provider_api.faults = [fault]
    deliver()
    assert (provider_api.calls, statuses()) == (1, {Status.QUEUED})
    travel(timedelta(minutes=10))
    deliver()
    assert (provider_api.calls, statuses()) == (calls, {Status.SENT})


@pytest.mark.parametrize("fault", ["cut-after", "timeout-after", "500-after", "rubbish", "truncated"])
def test_unknown_batch_is_repeated_whole(provider_api, queue_emails, deliver, fault):
    queue_emails(3)
    provider_api.faults = [fault]
    deliver()
    suppress("person-1@example.com", cause="complaint")
    queue_emails(2, subject="Another")
    travel(timedelta(minutes=1))
    deliver()
    assert provider_api.bodies.count(provider_api.bodies[0]) == 2
    assert provider_api.report()["duplicates"] == 0
    assert statuses() == {Status.SENT, Status.SUPPRESSED}


def test_response_with_too_few_ids_is_unknown(provider_api, queue_emails, deliver):
    queue_emails(3)
    provider_api.faults = [Reply(200, {"data": [{"id": "1"}, {"id": "2"}]})]
    deliver()
    assert set(OutboundEmail.objects.values_list("status", "reason")) == {(Status.SENDING, Reason.UNKNOWN)}
