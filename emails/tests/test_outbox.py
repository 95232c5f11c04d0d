"""The outbox backend: it stores a message as a row in the caller's transaction, once per idempotency key.

The fixture ``outbox`` makes it EMAIL_BACKEND for every test here. ``queue_emails(2, idempotency_key="a")`` sends two
messages with that key through it and returns the new rows. Nothing in this file delivers them.
"""

import pytest
from django.core.mail import BadHeaderError, EmailMessage, get_connection, send_mail
from django.db import IntegrityError, transaction

from emails.errors import InvalidMessage
from emails.models import OutboundEmail, Status

pytestmark = pytest.mark.usefixtures("db", "outbox")


def test_send_mail_queues_a_row():
    assert send_mail("Hello", "Hello there.", None, ["Ada <Ada@Example.com>"]) == 1
    row = OutboundEmail.objects.get()
    assert row.status == Status.QUEUED
    assert row.recipients == "ada@example.com"
    assert row.subject == "Hello"
    assert row.message.text == "Hello there."
    assert row.due_at is not None


def test_rolled_back_transaction_sends_nothing():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        send_mail("Hello", "Hello there.", None, ["ada@example.com"])
        1 / 0  # noqa: B018
    assert not OutboundEmail.objects.exists()


def test_idempotency_key_queues_once_without_aborting_the_transaction(queue_emails):
    with transaction.atomic():
        assert len(queue_emails(2, idempotency_key="receipt:in_1")) == 1
        assert queue_emails(1, idempotency_key="receipt:in_1") == []
        assert len(queue_emails(1, idempotency_key="receipt:in_2")) == 1
    assert OutboundEmail.objects.count() == 2


def test_only_key_conflict_is_ignored(monkeypatch, queue_emails):
    """A subject that is NULL violates another constraint of the table, which must raise an error."""
    monkeypatch.setattr(OutboundEmail._meta.get_field("subject"), "get_db_prep_save", lambda *_, **__: None)
    with pytest.raises(IntegrityError), transaction.atomic():
        queue_emails(1, idempotency_key="receipt:in_1")


def test_message_without_recipients_is_not_queued():
    backend = get_connection()
    assert backend.send_messages([EmailMessage("Hello", "Hello")]) == 0
    assert backend.send_messages([]) == 0
    assert not OutboundEmail.objects.exists()


def test_invalid_message_queues_none_of_its_batch():
    good = EmailMessage("Hello", "Hello", to=["ada@example.com"])
    # A line break in the subject could inject the header Bcc.
    bad = EmailMessage("Hello\nBcc: all@example.com", "Hello", to=["ada@example.com"])
    with pytest.raises(BadHeaderError):
        get_connection().send_messages([good, bad])
    assert not OutboundEmail.objects.exists()


def test_fail_silently_skips_only_invalid_messages():
    good = EmailMessage("Hello", "Hello", to=["ada@example.com"])
    bad = EmailMessage("Hello", "Hello\0", to=["ada@example.com"])  # PostgreSQL can't store NUL
    assert get_connection(fail_silently=True).send_messages([bad, good]) == 1
    with pytest.raises(InvalidMessage):
        get_connection().send_messages([bad])
