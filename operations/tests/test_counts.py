"""The counts behind the charts stay right after late events, retries, retention, and erasure."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from billing.models import Payment, RefundedCharge, StripeEvent
from common.db import database_now
from emails import privacy, retention
from emails.models import DeliveryEvent, OutboundEmail
from emails.support.actions import retry
from operations.models import CountedHour, DeletedEmails, EmailCount, MoneyCount
from operations.rollups.emails import count_emails
from operations.rollups.hours import DAYS, HOUR, day_of, full_hour
from operations.rollups.money import count_money

pytestmark = pytest.mark.django_db
OLD = timedelta(days=9)  # long before the hours that every round counts


def queued(age: timedelta = OLD, **values: Any) -> OutboundEmail:
    """Store a settled email that was queued this long ago."""
    at = timezone.now() - age
    defaults = {"kind": "receipt", "status": "sent", "recipients": "ada@example.com", "due_at": None, "sent_at": at}
    email = OutboundEmail.objects.create(**{**defaults, "settled_at": at, **values})
    OutboundEmail.objects.filter(pk=email.pk).update(created_at=at)
    return email


def counts() -> dict[tuple[str, str], int]:
    """Return the number of emails in all charts by kind and status."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in EmailCount.objects.all():
        sums[row.kind, row.status] += row.count + row.deleted
    return dict(sums)


def money() -> set[tuple[str, str, int, int]]:
    return {(row.flow, row.currency, row.count, row.amount) for row in MoneyCount.objects.all()}


def test_every_hour_is_counted_once():
    queued()
    queued(timedelta(0), kind="", status="failed")
    assert count_emails() == DAYS * 24
    assert counts() == {("receipt", "sent"): 1, ("", "failed"): 1}
    assert count_emails() <= 4, "only the newest hours, and those of emails that were settled just now"


def test_late_event_moves_an_email_to_its_new_state():
    email = queued()
    count_emails()
    email.status = "complained"
    email.save(update_fields=["status"])
    DeliveryEvent.objects.create(
        provider="resend", fingerprint="1", email=email, type="complained", occurred_at=timezone.now()
    )
    count_emails()
    assert counts() == {("receipt", "complained"): 1}


def test_email_that_is_settled_late_is_counted_again():
    email = queued(status="queued", settled_at=None, sent_at=None)
    count_emails()
    OutboundEmail.objects.filter(pk=email.pk).update(status="failed", settled_at=Now())
    count_emails()
    assert counts() == {("receipt", "failed"): 1}


def test_retry_is_counted_within_half_an_hour():
    email = queued(status="failed", reason="refused", sent_at=None, content={})
    count_emails()
    retry(email)
    CountedHour.objects.update(counted_at=database_now() - timedelta(minutes=31))
    count_emails()
    assert counts() == {("receipt", "queued"): 1}


def test_erased_emails_still_count():
    for key in (None, "welcome:1"):
        queued(metadata={"user_id": "1"}, idempotency_key=key)
    count_emails()
    privacy.erase("1", addresses=["ada@example.com"])
    assert counts() == {("receipt", "sent"): 2}
    assert OutboundEmail.objects.count() == 1
    for _ in range(2):
        count_emails()
        assert counts() == {("receipt", "sent"): 2}
    assert not DeletedEmails.objects.exists()


def test_purged_emails_still_count(settings):
    settings.EMAIL_RETENTION_DAYS = 7
    queued()
    count_emails()
    assert retention.purge()[1] == 1
    count_emails()
    assert counts() == {("receipt", "sent"): 1}


def test_email_that_is_deleted_before_it_was_counted_counts():
    email = queued()
    privacy.delete([email.pk])
    count_emails()
    assert counts() == {("receipt", "sent"): 1}


def test_counts_contain_nothing_about_people():
    email = queued(subject="Secret", metadata={"user_id": "ada-42"})
    count_emails()
    privacy.delete([email.pk])
    rows = [str(row) for model in (EmailCount, DeletedEmails, CountedHour) for row in model.objects.values()]
    assert rows
    assert not [row for row in rows if "ada" in row or "Secret" in row]


def test_old_counts_are_deleted():
    long_ago = full_hour(timezone.now()) - (DAYS * 24 + 1) * HOUR
    CountedHour.objects.create(subject="email", hour=long_ago)
    EmailCount.objects.create(hour=long_ago, day=day_of(long_ago), kind="receipt", status="sent", count=1)
    MoneyCount.objects.create(hour=long_ago, day=day_of(long_ago), flow="paid", currency="usd", count=1, amount=1)
    count_emails()
    count_money()
    assert not EmailCount.objects.exists()
    assert not MoneyCount.objects.exists()
    assert not CountedHour.objects.filter(hour=long_ago).exists()


def test_payment_moves_from_failed_to_paid():
    now = timezone.now()
    payment = Payment.objects.create(
        stripe_id="in_1",
        amount=2900,
        currency="usd",
        status="failed",
        first_failed_at=now - OLD,
        last_failed_at=now - OLD,
    )
    count_money()
    assert money() == {("failed", "usd", 1, 2900)}
    Payment.objects.filter(pk=payment.pk).update(status="paid", paid_at=now)
    count_money()
    assert money() == {("paid", "usd", 1, 2900)}


def test_refunds_count_at_their_own_time():
    now = timezone.now()
    version = f"{int((now - OLD).timestamp()):012}.2.evt_1"
    refunds = {
        "re_1": {"amount": 500, "status": "succeeded", "version": version},
        "re_2": {"amount": 700, "status": "failed", "version": version},
    }
    charge = RefundedCharge.objects.create(pk="ch_1", currency="eur", amount=500, refunds=refunds)
    count_money()
    assert money() == {("refunded", "eur", 1, 500)}
    assert MoneyCount.objects.get().hour == full_hour(now - OLD)
    charge.refunds["re_2"]["status"] = "succeeded"
    charge.amount = 1200
    charge.save()
    StripeEvent.objects.create(pk="evt_2", type="refund.updated", livemode=False, body="{}", created_at=now)
    count_money()
    assert money() == {("refunded", "eur", 2, 1200)}


def test_refund_without_a_time_counts_when_stripe_reported_it():
    now = timezone.now()
    RefundedCharge.objects.create(pk="ch_1", charge="ch_1", currency="usd", amount=500, reported_total=500)
    StripeEvent.objects.create(
        pk="evt_1", type="charge.refunded", livemode=False, body="{}", created_at=now, object_id="ch_1"
    )
    count_money()
    assert money() == {("refunded", "usd", 1, 500)}
