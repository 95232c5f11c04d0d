"""How long mail is kept: bodies for the retention period, idempotency keys for 90 days at least."""

from datetime import timedelta

import pytest

from common.db import database_now
from emails.models import AttemptedEmail, ContactChange, DeliveryAttempt, OutboundEmail, Status
from emails.retention import purge
from emails.tests.support.clock import travel

MONTH = timedelta(days=31)


@pytest.fixture
def sent(queue_emails, deliver):
    """One message with an idempotency key, one without, both sent."""
    queue_emails(1)
    queue_emails(1, idempotency_key="receipt:in_1")
    deliver()


def test_nothing_is_purged_within_retention(sent):
    travel(timedelta(days=29))
    assert purge() == (0, 0)
    assert all(row.content for row in OutboundEmail.objects.all())


def test_idempotency_key_outlives_its_body(sent, queue_emails):
    travel(MONTH)
    assert purge() == (2, 1)
    row = OutboundEmail.objects.get()
    assert (row.idempotency_key, row.content) == ("receipt:in_1", None)
    assert queue_emails(1, idempotency_key="receipt:in_1") == [], "the receipt is not sent again next month"


def test_everything_is_purged_after_90_days(sent):
    ContactChange.objects.create(address="ada@example.com", action="add_tag", settled_at=database_now(), status="sent")
    ContactChange.objects.create(address="ada@example.com", action="add_tag")
    travel(3 * MONTH)
    purge()
    assert ContactChange.objects.get().status == Status.QUEUED
    assert not OutboundEmail.objects.exists()
    assert not DeliveryAttempt.objects.exists()
    assert not AttemptedEmail.objects.exists()


def test_waiting_email_is_kept_whatever_its_age(queue_emails, provider_api, deliver):
    queue_emails(1)
    travel(12 * MONTH)
    assert purge() == (0, 0)
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT


def test_second_purge_changes_nothing(sent):
    travel(MONTH)
    purge()
    assert purge() == (0, 0)
