"""What events change: the row's status, forward only; who listens to the signal."""

import itertools
import uuid

import pytest

from emails.models import DeliveryEvent, OutboundEmail, Status, Suppression
from emails.signals import delivery_event
from emails.support.history import history
from emails.tests.support.provider_payloads import DELIVERED, HARD, about, status
from emails.tests.support.signed_events import ago


def test_delivery_event_marks_message_delivered(poster, provider, row):
    poster.tell(DELIVERED[provider], **about(row, provider))
    assert status(row) == Status.DELIVERED
    assert [event.type for event in row.events.all()] == ["delivered"]


def test_event_is_matched_by_provider_id_alone(poster, provider, row):
    poster.tell(DELIVERED[provider], message=row.provider_message_id, to=row.recipients)
    assert status(row) == Status.DELIVERED


@pytest.mark.parametrize("provider_id", ["a.b.c", "filter0001.recv-5f-1.0"])
def test_dotted_sendgrid_id_is_matched(webhooks, outbox, queue, deliver, provider_id):
    outbox("sendgrid")
    (row,) = queue()
    deliver()
    OutboundEmail.objects.update(provider_message_id=provider_id)
    webhooks("sendgrid").tell("delivered", message=provider_id)
    assert status(row) == Status.DELIVERED


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_event_order_does_not_matter(webhooks, outbox, queue, deliver, order):
    outbox("sendgrid")
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    poster = webhooks("sendgrid")
    told = ["processed", "delivered", "bounce", "spamreport"]
    events = [poster.event(kind, **about(row, "sendgrid"), at=ago(minutes=9 - n)) for n, kind in enumerate(told)]
    for number in order:
        poster.post(events[number])
    assert status(row) == Status.COMPLAINED
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
def test_status_only_moves_forward(webhooks, outbox, queue, deliver, first, then, expected):
    outbox("sendgrid")
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    poster = webhooks("sendgrid")
    for kind in (first, then):
        poster.tell(kind, **about(row, "sendgrid"))
    assert status(row) == expected


def test_worst_status_of_several_recipients_is_shown(webhooks, outbox, queue, deliver):
    outbox("sendgrid")
    (row,) = queue(to=["ada@example.com", "bob@example.com"])
    deliver()
    row.refresh_from_db()
    poster = webhooks("sendgrid")
    kind, data = HARD["sendgrid"]
    poster.tell(kind, **about(row, "sendgrid") | {"to": "bob@example.com"}, **data)
    poster.tell("delivered", **about(row, "sendgrid") | {"to": "ada@example.com"})
    assert status(row) == Status.BOUNCED
    assert Suppression.objects.get().address == "bob@example.com"


def test_event_of_foreign_email_is_kept_unlinked(poster, provider):
    poster.tell(DELIVERED[provider], message="another", **({} if provider == "sequenzy" else {"ours": uuid.uuid4()}))
    assert DeliveryEvent.objects.get().email is None


def test_signal_is_sent_once_per_event(poster, provider, row, django_capture_on_commit_callbacks):
    heard = []

    def listen(sender, event, email, **_):
        heard.append((event.type, email.status))
        raise RuntimeError("what a listener raises changes nothing")

    delivery_event.connect(listen)
    try:
        event = poster.event(DELIVERED[provider], **about(row, provider))
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                assert poster.post(event).status_code == 200
    finally:
        delivery_event.disconnect(listen)
    assert heard == [("delivered", "delivered")]


def test_message_history_includes_events(webhooks, queue, deliver):
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    webhooks("resend").tell("email.delivered", message="theirs", ours=row.pk, at=ago(seconds=-5))
    assert [event.event for event in history(row)] == ["queued", "attempt", "sent", "delivered"]
