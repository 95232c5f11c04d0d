"""The mail of one person: found by an index, exported without live links, erased to the last trace."""

from datetime import timedelta

import pytest
from django.db import connection

from common.db import database_now
from emails import privacy
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, OutboundEmail, Status, Suppression
from emails.retention import purge
from emails.tests.support.clock import travel

ADA = "person-0@example.com"


@pytest.fixture
def mail(queue):
    """Queue mail of a person; returns the row."""

    def mail(user_id="7", **attributes):
        [row] = queue(1, metadata={"user_id": user_id}, **attributes)
        return row

    return mail


@pytest.fixture
def erased():
    return lambda **options: privacy.erase("7", addresses=[ADA], **options)


def traces(word=ADA):
    """The models that still hold the word."""
    models = (OutboundEmail, DeliveryAttempt, DeliveryEvent, ContactChange)
    return {model.__name__ for model in models if word in str([*model._default_manager.values()])}


def event(email=None, recipient=ADA):
    DeliveryEvent.objects.create(
        provider="resend", fingerprint=str(DeliveryEvent.objects.count()), email=email, recipient=recipient,
        type="delivered", occurred_at=database_now(), raw={"to": recipient},
    )  # fmt: skip


def test_whose_a_message_is_follows_its_metadata(mail, queue):
    old = mail()
    travel(timedelta(minutes=1))
    new = mail()
    mail("77")
    queue(1)
    queue(1, metadata={"order": "7"})
    assert [*privacy.emails_of("7")] == [new, old]


def test_it_is_found_by_an_index(mail):
    mail()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # a table of one row is read whole otherwise
    assert "outbound_person" in privacy.emails_of("7").explain()


def test_an_export_holds_texts_and_events_and_no_live_link(mail, deliver):
    mail()
    travel(timedelta(minutes=1))
    mail(sensitive=True)
    deliver()
    sensitive, plain = privacy.export("7")
    assert (plain["text"], sensitive["text"]) == ("Hello there.", None)
    assert (plain["to"], plain["status"]) == ([ADA], "sent")
    assert [event["event"] for event in plain["events"]] == ["queued", "attempt", "sent"]


def test_erasing_leaves_nothing_but_a_key(mail, deliver, erased):
    mail()
    kept = mail(idempotency_key="receipt:in_1")
    deliver()
    for email in (None, kept):
        event(email)
    erased()
    assert traces() == set()
    row = OutboundEmail.objects.get()
    assert (row.pk, row.idempotency_key) == (kept.pk, "receipt:in_1")
    assert (row.content, row.subject, row.metadata) == (None, "", {})


def test_what_waits_is_not_sent_any_more(mail, deliver, api, erased):
    mail()
    erased()
    deliver()
    assert (api.accepted, traces()) == ([], set())


def test_the_last_mail_is_sent_and_then_erased(mail, deliver, api, erased):
    mail(kind="farewell")
    erased(last_kind="farewell")
    deliver()
    assert len(api.accepted) == 1
    purge()
    assert traces() == set()


def test_what_a_worker_holds_is_erased_when_it_is_settled(mail, deliver, erased):
    OutboundEmail.objects.filter(pk=mail().pk).update(status=Status.SENDING, lease_token="0" * 32)
    erased()
    assert traces() == {"OutboundEmail"}
    OutboundEmail.objects.update(status=Status.SENT, lease_token=None, due_at=None, settled_at=database_now())
    purge()
    assert traces() == set()


def test_nobody_else_is_touched(mail, queue, deliver, erased):
    other = mail("8")
    deliver()
    event(other)
    erased()
    assert OutboundEmail.objects.get().content
    assert DeliveryEvent.objects.exists()


def test_a_suppression_stays_without_what_was_said(mail, erased):
    Suppression.objects.create(address=ADA, detail="550 no such user person-0@example.com")
    erased()
    assert Suppression.objects.get().detail == ""


@pytest.mark.parametrize(("provider", "left"), [("resend", []), ("sequenzy", ["forget"])])
def test_contacts_are_forgotten(outbox, db, erased, provider, left, settings):
    outbox("sequenzy")
    settings.CONTACTS_SYNC = True
    ContactChange.objects.create(action="add_tag", address=ADA, settled_at=database_now(), status="sent")
    outbox(provider)
    erased()
    assert [*ContactChange.objects.filter(settled_at=None).values_list("action", flat=True)] == left
