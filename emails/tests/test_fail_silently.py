"""With fail_silently, no error of the database reaches the caller, and one line in the log reports the loss."""

import logging
import logging.handlers
import queue
from collections.abc import Iterator

import pytest
from django import db
from django.core.mail import EmailMessage, get_connection, mail_admins, send_mail
from django.db import connection, transaction
from django.utils.log import AdminEmailHandler

from emails.backends.outbox import NOT_QUEUED
from emails.models import OutboundEmail, Suppression

ERRORS = [
    db.OperationalError,
    db.InterfaceError,
    db.IntegrityError,
    db.DataError,
    db.InternalError,
    db.ProgrammingError,
]
NAME = "emails.tests.admins"


@pytest.fixture(autouse=True)
def use_outbox(settings, db):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.ADMINS = [("Ada", "ada@example.com")]


@pytest.fixture
def admin_emails() -> Iterator[logging.Logger]:
    """Email every error of any logger to the admins, as a project does that sets AdminEmailHandler on the root."""
    handler = AdminEmailHandler()
    handler.setLevel(logging.ERROR)
    logging.getLogger().addHandler(handler)
    yield logging.getLogger(NAME)
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def broken_table() -> None:
    """Take the outbox's table away until the end of the test."""
    connection.cursor().execute("ALTER TABLE emails_outboundemail RENAME TO away")


def send(**arguments) -> int:
    return send_mail("Hello", "Hello there.", None, ["ada@example.com"], **arguments)


def losses(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if NOT_QUEUED in record.getMessage()]


@pytest.mark.parametrize("error", ERRORS)
def test_error_of_the_database_is_logged(monkeypatch, caplog, error):
    def fail(*_: object) -> None:
        raise error("gone\nDETAIL: Failing row contains (ada@example.com)")

    monkeypatch.setattr("emails.backends.outbox.insert_if_absent", fail)
    assert send(fail_silently=True) == 0
    assert losses(caplog) == [f"A message was {NOT_QUEUED}: {error.__name__}: gone"]
    with pytest.raises(error), transaction.atomic():
        send()


def test_lost_connection_is_logged(monkeypatch, caplog):
    def fail(*_: object, **__: object) -> None:
        raise db.OperationalError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", fail)
        patch.setattr(connection, "savepoint", fail)
        assert send(fail_silently=True) == 0
    assert len(losses(caplog)) == 1


@pytest.mark.usefixtures("broken_table")
def test_transaction_of_the_caller_stays_usable(caplog):
    with transaction.atomic():
        Suppression.objects.create(address="before@example.com")
        assert send(fail_silently=True) == 0
        Suppression.objects.create(address="after@example.com")
    assert Suppression.objects.count() == 2
    assert len(losses(caplog)) == 1


def break_transaction() -> None:
    Suppression.objects.create(address="twice@example.com")
    try:
        Suppression.objects.create(address="twice@example.com")
    except db.IntegrityError:
        logging.getLogger(NAME).exception("duplicate")


def test_logging_in_a_broken_transaction_raises_nothing(admin_emails, caplog):
    with transaction.atomic():
        break_transaction()
        transaction.set_rollback(True)
    assert len(losses(caplog)) == 1
    assert not OutboundEmail.objects.exists()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite goes on after an error")
def test_transaction_that_django_believes_to_be_healthy(admin_emails, caplog):
    with pytest.raises(db.InternalError), transaction.atomic():
        try:
            connection.cursor().execute("SELECT nothing")
        except db.ProgrammingError:
            admin_emails.exception("no such column")
        connection.cursor().execute("SELECT 1")
    assert len(losses(caplog)) == 1


@pytest.mark.usefixtures("broken_table")
def test_several_messages_are_reported_in_one_line(caplog):
    messages = [EmailMessage("Hello", "Hello", to=["ada@example.com"])] * 3
    assert get_connection(fail_silently=True).send_messages(messages) == 0
    [line] = losses(caplog)
    assert line.startswith("3 messages were not queued")


@pytest.mark.parametrize("subject", ["Hello", "Hello\nBcc: eve@example.com"])
def test_log_line_causes_no_endless_emails(admin_emails, broken_table, caplog, subject):
    """The line is emailed to the admins, which fails as well, and is not reported again."""
    assert send_mail(subject, "Hello", None, ["ada@example.com"], fail_silently=True) == 0
    assert len(losses(caplog)) == 1


def test_invalid_address_of_an_admin_causes_no_endless_emails(settings, admin_emails, caplog):
    settings.ADMINS = [("Ada", "not an address")]
    admin_emails.error("something failed")
    assert len(losses(caplog)) == 1


def test_handler_in_another_thread_causes_no_endless_emails(broken_table, caplog):
    """Behind a queue, the handler runs later and knows nothing of the code that logged the line."""
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    behind_queue = logging.handlers.QueueHandler(records)
    root = logging.getLogger()
    root.addHandler(behind_queue)
    try:
        logging.getLogger(NAME).error("something failed")
        emailed = 0
        while not records.empty() and emailed < 10:
            AdminEmailHandler().emit(records.get())
            emailed += 1
    finally:
        root.removeHandler(behind_queue)
    assert emailed == 2, "the error, and the line that says that it was not queued"


def test_error_is_raised_without_fail_silently(broken_table):
    with pytest.raises(db.DatabaseError), transaction.atomic():
        mail_admins("Hello", "Hello there.")
