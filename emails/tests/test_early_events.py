"""Events that arrive before our commit or instead of a response: they find their row and prevent a second copy."""

from datetime import timedelta
from typing import Any

import pytest

from emails.delivery import claims, drain
from emails.delivery.calls import Call
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Reason, Status
from emails.tests.support.clock import travel
from emails.tests.support.provider_payloads import current_status
from emails.tracking import linking


def make_call() -> tuple[Call, Any]:
    """A call as a worker holds it between the provider's response and its own commit."""
    [call], _ = claims.next_calls(8, idle=True)
    return call, call.make()


def test_event_before_our_commit_finds_its_row(webhook_sender_for, use_provider, queue_emails):
    use_provider("sendgrid")
    (row,) = queue_emails(sensitive=True)
    answered_call = make_call()
    webhook_sender_for("sendgrid").send_event("delivered", message="", our_id=row.pk)
    drain.settle_despite_outages([answered_call])
    row.refresh_from_db()
    assert row.status == Status.DELIVERED
    assert row.content is None
    assert row.due_at is None
    assert row.sent_at is not None
    assert row.provider_message_id
    assert DeliveryAttempt.objects.get().outcome == "accepted"


def test_early_sequenzy_event_is_linked_once_id_is_known(webhook_sender_for, use_provider, queue_emails):
    use_provider("sequenzy")
    (row,) = queue_emails()
    call, response = make_call()
    webhook_sender_for("sequenzy").send_event("email.delivered", message=response.message_ids[0])
    assert DeliveryEvent.objects.get().email is None
    drain.settle_despite_outages([(call, response)])
    assert current_status(row) == Status.DELIVERED
    assert row.events.count() == 1


def test_stray_event_is_linked_later(webhook_sender_for, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    (row,) = queue_emails()
    deliver()
    row.refresh_from_db()
    webhook_sender_for("sequenzy").send_event("email.delivered", message="early")
    OutboundEmail.objects.update(provider_message_id="early")
    linking.link_unlinked_events()
    assert current_status(row) == Status.DELIVERED


@pytest.mark.parametrize("fault", ["cut-after", "timeout-after", "500-after"])
def test_event_settles_unknown_sendgrid_attempt(
    webhook_sender_for, provider_api, use_provider, queue_emails, deliver, fault
):
    use_provider("sendgrid")
    (row,) = queue_emails()
    provider_api.faults = [fault]
    deliver()
    assert current_status(row) == Status.SENDING
    webhook_sender_for("sendgrid").send_event("processed", message="provider-id", our_id=row.pk)
    assert current_status(row) == Status.SENT
    assert DeliveryAttempt.objects.get().outcome == "accepted"
    travel(timedelta(minutes=6))
    deliver()
    assert len(provider_api.accepted) == 1


def test_unknown_sendgrid_attempt_is_repeated_after_five_minutes(
    webhook_sender_for, provider_api, use_provider, queue_emails, deliver
):
    use_provider("sendgrid")
    (row,) = queue_emails()
    provider_api.faults = ["cut-before"]
    deliver()
    travel(timedelta(minutes=4))
    deliver()
    assert provider_api.calls == 1
    travel(timedelta(minutes=2))
    deliver()
    assert (current_status(row), provider_api.calls) == (Status.SENT, 2)


def test_event_during_an_unknown_call_prevents_the_repeat(
    webhook_sender_for, provider_api, use_provider, queue_emails, deliver
):
    use_provider("sendgrid")
    (row,) = queue_emails()
    provider_api.faults = ["cut-after"]
    answered_call = make_call()
    webhook_sender_for("sendgrid").send_event("processed", message="provider-id", our_id=row.pk)
    drain.settle_despite_outages([answered_call])
    travel(timedelta(minutes=6))
    deliver()
    assert (current_status(row), len(provider_api.accepted)) == (Status.SENT, 1)
    assert DeliveryAttempt.objects.get().outcome == "accepted"


def test_event_revives_message_failed_as_unknown(webhook_sender_for, outbox, queue_emails):
    (row,) = queue_emails()
    OutboundEmail.objects.update(status=Status.FAILED, reason=Reason.OUTCOME_UNKNOWN, due_at=None)
    webhook_sender_for("resend").send_event("email.delivered", message="provider-id", our_id=row.pk)
    assert (current_status(row), row.reason) == (Status.DELIVERED, "")


def test_event_for_queued_row_prevents_sending(webhook_sender_for, provider_api, use_provider, queue_emails, deliver):
    use_provider("sendgrid")
    (row,) = queue_emails()
    webhook_sender_for("sendgrid").send_event("processed", message="provider-id", our_id=row.pk)
    deliver()
    assert (current_status(row), provider_api.calls) == (Status.SENT, 0)
