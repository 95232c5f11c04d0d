"""Retention: bodies are kept for the retention period, and idempotency keys for at least 90 days."""

from datetime import timedelta

import pytest

from common.db import database_now
from emails.models import AttemptedEmail, ContactChange, DeliveryAttempt, OutboundEmail, Status
from emails.retention import purge
from emails.tests.support.clock import travel

MONTH = timedelta(days=31)


@pytest.fixture
def two_sent_emails(queue_emails, deliver):
    """Two sent messages, one of them with an idempotency key."""
    queue_emails(1)
    queue_emails(1, idempotency_key="receipt:in_1")
    deliver()


def test_nothing_is_purged_within_retention(two_sent_emails):
    travel(timedelta(days=29))
    assert purge() == (0, 0)
    assert all(row.content for row in OutboundEmail.objects.all())


def test_idempotency_key_outlives_its_body(two_sent_emails, queue_emails):
    travel(MONTH)
    assert purge() == (2, 1)
    row = OutboundEmail.objects.get()
    assert (row.idempotency_key, row.content) == ("receipt:in_1", None)
    assert queue_emails(1, idempotency_key="receipt:in_1") == [], "the receipt must not be sent again next month"


def test_everything_is_purged_after_90_days(two_sent_emails):
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


def test_second_purge_changes_nothing(two_sent_emails):
    travel(MONTH)
    purge()
    assert purge() == (0, 0)
