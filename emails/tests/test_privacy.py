"""One person's email: found by index, exported without live links, and erased completely."""

from datetime import timedelta

import pytest
from django.db import connection

from common.db import database_now
from emails import privacy
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, OutboundEmail, Status, Suppression
from emails.retention import purge
from emails.tasks import deliver_due
from emails.tests.conftest import PROVIDERS
from emails.tests.support.clock import travel

ADA = "person-0@example.com"


@pytest.fixture
def queue_email(queue_emails):
    """Return a function that queues an email of a user and returns its row."""

    def queue_email(user_id="7", **attributes):
        [row] = queue_emails(1, metadata={"user_id": user_id}, **attributes)
        return row

    return queue_email


@pytest.fixture
def erase():
    return lambda **options: privacy.erase("7", addresses=[ADA], **options)


def models_with(word=ADA):
    """The names of the models that still contain the text."""
    models = (OutboundEmail, DeliveryAttempt, DeliveryEvent, ContactChange)
    return {model.__name__ for model in models if word in str([*model._default_manager.values()])}


def store_event(email=None, recipient=ADA):
    DeliveryEvent.objects.create(
        provider="resend",
        fingerprint=str(DeliveryEvent.objects.count()),
        email=email,
        recipient=recipient,
        type="delivered",
        occurred_at=database_now(),
        raw={"to": recipient},
    )


def test_email_belongs_to_user_in_its_metadata(queue_email, queue_emails):
    old = queue_email()
    travel(timedelta(minutes=1))
    new = queue_email()
    queue_email("77")
    queue_emails(1)
    queue_emails(1, metadata={"order": "7"})
    assert [*privacy.emails_of("7")] == [new, old]


def test_email_of_a_user_is_found_by_index(db):
    OutboundEmail.objects.bulk_create(OutboundEmail(metadata={"user_id": str(number)}) for number in range(300))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # otherwise PostgreSQL scans a table with few rows
    assert "outbound_person" in privacy.emails_of("7").explain()


def test_export_contains_texts_and_events_but_no_live_links(queue_email, deliver):
    queue_email()
    travel(timedelta(minutes=1))
    queue_email(sensitive=True)
    deliver()
    sensitive, plain = privacy.export("7")
    assert (plain["text"], sensitive["text"]) == ("Hello there.", None)
    assert (plain["to"], plain["status"]) == ([ADA], "sent")
    assert [event["event"] for event in plain["events"]] == ["queued", "attempt", "sent"]


def test_erase_leaves_only_the_idempotency_key(queue_email, deliver, erase):
    queue_email()
    kept = queue_email(idempotency_key="receipt:in_1")
    deliver()
    for email in (None, kept):
        store_event(email)
    erase()
    deliver()  # until then, the address is needed to delete the contact at the provider
    assert models_with() == set()
    row = OutboundEmail.objects.get()
    assert (row.pk, row.idempotency_key) == (kept.pk, "receipt:in_1")
    assert row.content is None
    assert row.subject == ""
    assert row.metadata == {}


def test_erase_stops_waiting_email(queue_email, deliver, provider_api, erase):
    queue_email()
    erase()
    deliver()
    assert (provider_api.accepted, models_with()) == ([], set())


def test_last_email_is_sent_before_it_is_erased(queue_email, deliver, provider_api, erase):
    queue_email(kind="farewell")
    erase(last_kind="farewell")
    deliver()
    assert len(provider_api.accepted) == 1
    purge()
    assert models_with() == set()


def test_email_held_by_a_worker_is_erased_after_settlement(queue_email, deliver, erase):
    OutboundEmail.objects.filter(pk=queue_email().pk).update(status=Status.SENDING, lease_token="0" * 32)
    erase()
    deliver()
    assert models_with() == {"OutboundEmail"}
    OutboundEmail.objects.update(status=Status.SENT, lease_token=None, due_at=None, settled_at=database_now())
    purge()
    assert models_with() == set()


def test_erase_does_not_touch_other_users(queue_email, queue_emails, deliver, erase):
    other = queue_email("8")
    deliver()
    store_event(other)
    erase()
    assert OutboundEmail.objects.get().content
    assert DeliveryEvent.objects.exists()


def test_erase_keeps_suppression_without_its_detail(queue_email, erase):
    Suppression.objects.create(address=ADA, detail="550 no such user person-0@example.com")
    erase()
    assert Suppression.objects.get().detail == ""


@pytest.mark.parametrize(("provider", "left"), [("smtp", []), *((name, ["forget"]) for name in PROVIDERS)])
def test_erase_forgets_contacts_where_there_are_any(use_provider, db, erase, provider, left, settings):
    use_provider("sequenzy")
    settings.CONTACTS_SYNC = True
    ContactChange.objects.create(action="add_tag", address=ADA, settled_at=database_now(), status="sent")
    settings.EMAIL_PROVIDER = provider
    erase()
    assert [*ContactChange.objects.filter(settled_at=None).values_list("action", flat=True)] == left


@pytest.mark.parametrize("key", [None, "receipt:in_1"])
def test_late_event_brings_no_personal_data_back(queue_email, deliver, erase, webhook_sender_for, key):
    row = queue_email(idempotency_key=key)
    deliver()
    row.refresh_from_db()
    erase()
    deliver()
    sender = webhook_sender_for("resend")
    sender.send_event("email.bounced", message=row.provider_message_id, to=ADA, our_id=row.pk)
    assert models_with() == set()
    assert DeliveryEvent.objects.get().type == "bounced"
    assert not Suppression.objects.exists()


def test_worker_erases_the_last_email_once_it_is_sent(queue_email, provider_api, erase):
    queue_email(kind="farewell")
    erase(last_kind="farewell")
    deliver_due()
    assert (len(provider_api.accepted), models_with()) == (1, set())
