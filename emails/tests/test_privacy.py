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
def mail(queue_emails):
    """Queue mail of a person; returns the row."""

    def mail(user_id="7", **attributes):
        [row] = queue_emails(1, metadata={"user_id": user_id}, **attributes)
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


def test_email_belongs_to_user_in_its_metadata(mail, queue_emails):
    old = mail()
    travel(timedelta(minutes=1))
    new = mail()
    mail("77")
    queue_emails(1)
    queue_emails(1, metadata={"order": "7"})
    assert [*privacy.mail_of("7")] == [new, old]


def test_email_of_a_user_is_found_by_index(mail):
    mail()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # a table of one row is read whole otherwise
    assert "outbound_person" in privacy.mail_of("7").explain()


def test_export_contains_texts_and_events_but_no_live_links(mail, deliver):
    mail()
    travel(timedelta(minutes=1))
    mail(sensitive=True)
    deliver()
    sensitive, plain = privacy.export("7")
    assert (plain["text"], sensitive["text"]) == ("Hello there.", None)
    assert (plain["to"], plain["status"]) == ([ADA], "sent")
    assert [event["event"] for event in plain["events"]] == ["queued", "attempt", "sent"]


def test_erase_leaves_only_the_idempotency_key(mail, deliver, erased):
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


def test_erase_stops_waiting_email(mail, deliver, provider_api, erased):
    mail()
    erased()
    deliver()
    assert (provider_api.accepted, traces()) == ([], set())


def test_last_email_is_sent_before_it_is_erased(mail, deliver, provider_api, erased):
    mail(kind="farewell")
    erased(last_kind="farewell")
    deliver()
    assert len(provider_api.accepted) == 1
    purge()
    assert traces() == set()


def test_email_held_by_a_worker_is_erased_after_settlement(mail, deliver, erased):
    OutboundEmail.objects.filter(pk=mail().pk).update(status=Status.SENDING, lease_token="0" * 32)
    erased()
    assert traces() == {"OutboundEmail"}
    OutboundEmail.objects.update(status=Status.SENT, lease_token=None, due_at=None, settled_at=database_now())
    purge()
    assert traces() == set()


def test_erase_does_not_touch_other_users(mail, queue_emails, deliver, erased):
    other = mail("8")
    deliver()
    event(other)
    erased()
    assert OutboundEmail.objects.get().content
    assert DeliveryEvent.objects.exists()


def test_erase_keeps_suppression_without_its_detail(mail, erased):
    Suppression.objects.create(address=ADA, detail="550 no such user person-0@example.com")
    erased()
    assert Suppression.objects.get().detail == ""


@pytest.mark.parametrize(("provider", "left"), [("resend", []), ("sequenzy", ["forget"])])
def test_erase_forgets_contacts_at_sequenzy_only(use_provider, db, erased, provider, left, settings):
    use_provider("sequenzy")
    settings.CONTACTS_SYNC = True
    ContactChange.objects.create(action="add_tag", address=ADA, settled_at=database_now(), status="sent")
    use_provider(provider)
    erased()
    assert [*ContactChange.objects.filter(settled_at=None).values_list("action", flat=True)] == left
