"""What events change: the row's status, which only moves forward, and the signal that listeners get."""

import itertools
import uuid

import pytest

from emails.models import DeliveryEvent, OutboundEmail, Status, Suppression
from emails.signals import delivery_event
from emails.support.history import history
from emails.tests.support.provider_payloads import DELIVERED, HARD_BOUNCE, current_status, event_fields
from emails.tests.support.signed_events import ago


def test_delivery_event_marks_message_delivered(webhook_sender, provider, sent_email):
    webhook_sender.send_event(DELIVERED[provider], **event_fields(sent_email, provider))
    assert current_status(sent_email) == Status.DELIVERED
    assert [event.type for event in sent_email.events.all()] == ["delivered"]


def test_event_is_matched_by_provider_id_alone(webhook_sender, provider, sent_email):
    webhook_sender.send_event(DELIVERED[provider], message=sent_email.provider_message_id, to=sent_email.recipients)
    assert current_status(sent_email) == Status.DELIVERED


@pytest.mark.parametrize("provider_id", ["a.b.c", "filter0001.recv-5f-1.0"])
def test_dotted_sendgrid_id_is_matched(webhook_sender_for, use_provider, queue_emails, deliver, provider_id):
    use_provider("sendgrid")
    (row,) = queue_emails()
    deliver()
    OutboundEmail.objects.update(provider_message_id=provider_id)
    webhook_sender_for("sendgrid").send_event("delivered", message=provider_id)
    assert current_status(row) == Status.DELIVERED


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_event_order_does_not_matter(webhook_sender_for, use_provider, queue_emails, deliver, order):
    use_provider("sendgrid")
    (row,) = queue_emails()
    deliver()
    row.refresh_from_db()
    webhook_sender = webhook_sender_for("sendgrid")
    kinds = ["processed", "delivered", "bounce", "spamreport"]
    events = [
        webhook_sender.event(kind, **event_fields(row, "sendgrid"), at=ago(minutes=9 - n))
        for n, kind in enumerate(kinds)
    ]
    for number in order:
        webhook_sender.post(events[number])
    assert current_status(row) == Status.COMPLAINED
    assert row.events.count() == 4


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        ("delivered", "processed", Status.DELIVERED),
        ("delivered", "deferred", Status.DELIVERED),
        ("delivered", "bounce", Status.BOUNCED),
        ("bounce", "delivered", Status.BOUNCED),
        ("spamreport", "delivered", Status.COMPLAINED),
        ("processed", "open", Status.DELIVERED),
        ("processed", "dropped", Status.FAILED),
        ("processed", "unsubscribe", Status.SENT),
    ],
)
def test_status_only_moves_forward(webhook_sender_for, use_provider, queue_emails, deliver, first, then, expected):
    use_provider("sendgrid")
    (row,) = queue_emails()
    deliver()
    row.refresh_from_db()
    webhook_sender = webhook_sender_for("sendgrid")
    for kind in (first, then):
        webhook_sender.send_event(kind, **event_fields(row, "sendgrid"))
    assert current_status(row) == expected


def test_worst_status_of_several_recipients_is_shown(webhook_sender_for, use_provider, queue_emails, deliver):
    use_provider("sendgrid")
    (row,) = queue_emails(to=["ada@example.com", "bob@example.com"])
    deliver()
    row.refresh_from_db()
    webhook_sender = webhook_sender_for("sendgrid")
    kind, data = HARD_BOUNCE["sendgrid"]
    webhook_sender.send_event(kind, **event_fields(row, "sendgrid") | {"to": "bob@example.com"}, **data)
    webhook_sender.send_event("delivered", **event_fields(row, "sendgrid") | {"to": "ada@example.com"})
    assert current_status(row) == Status.BOUNCED
    assert Suppression.objects.get().address == "bob@example.com"


def test_event_of_foreign_email_is_kept_unlinked(webhook_sender, provider):
    webhook_sender.send_event(
        DELIVERED[provider], message="another", **({} if provider == "sequenzy" else {"our_id": uuid.uuid4()})
    )
    assert DeliveryEvent.objects.get().email is None


def test_signal_is_sent_once_per_event(webhook_sender, provider, sent_email, django_capture_on_commit_callbacks):
    received = []

    def listen(sender, event, email, **_):
        received.append((event.type, email.status))
        raise RuntimeError("an exception in a listener changes nothing")

    delivery_event.connect(listen)
    try:
        event = webhook_sender.event(DELIVERED[provider], **event_fields(sent_email, provider))
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                assert webhook_sender.post(event).status_code == 200
    finally:
        delivery_event.disconnect(listen)
    assert received == [("delivered", "delivered")]


def test_message_history_includes_events(webhook_sender_for, queue_emails, deliver):
    (row,) = queue_emails()
    deliver()
    row.refresh_from_db()
    webhook_sender_for("resend").send_event("email.delivered", message="theirs", our_id=row.pk, at=ago(seconds=-5))
    assert [event.event for event in history(row)] == ["queued", "attempt", "sent", "delivered"]
