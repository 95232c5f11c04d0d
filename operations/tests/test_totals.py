"""The totals on /metrics: each email, event, and attempt counts once."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from billing.models import StripeEvent
from common.db import database_now
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Suppression
from operations import tasks
from operations.metrics import counting
from operations.models import Counted, Total
from operations.tests.support.scraping import TOKEN, count_later, pass_time, scrape, value

pytestmark = pytest.mark.django_db
needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL")


@pytest.fixture(autouse=True)
def counting_begins(settings, outbox):
    settings.METRICS_TOKEN = TOKEN
    counting.count_all()
    pass_time(timedelta(minutes=5))


def test_accepted_emails_count_by_provider_and_kind(queue_emails, deliver):
    queue_emails(3, kind="welcome")
    queue_emails(2)
    deliver()
    count_later()
    assert value("emails_sent_total", provider="resend", kind="welcome") == 3
    assert value("emails_sent_total", provider="resend", kind="none") == 2


def test_every_ending_counts_in_its_own_metric(queue_emails, deliver, provider_api):
    provider_api.defaults = {"resend": "422"}
    queue_emails(1, kind="receipt")
    deliver()
    [expired] = queue_emails(1, kind="receipt")
    OutboundEmail.objects.filter(pk=expired.pk).update(expires_at=Now() - timedelta(seconds=1))
    deliver()
    Suppression.objects.create(address="person-0@example.com", cause=Suppression.Cause.HARD_BOUNCE)
    queue_emails(1, kind="receipt")
    deliver()
    count_later()
    for name in ("failed", "suppressed", "expired"):
        assert value(f"emails_{name}_total", kind="receipt") == 1, name
    assert value("emails_sent_total", kind="receipt") == 0


def test_email_counts_once_however_often_and_late_it_is_counted(queue_emails, deliver):
    queue_emails(2, kind="welcome", idempotency_key=None)
    deliver()
    count_later()
    OutboundEmail.objects.update(content=None, idempotency_key=None)
    for _ in range(3):
        count_later()
    assert value("emails_sent_total", kind="welcome") == 2


def test_events_count_by_kind_with_their_lag(queue_emails, deliver, webhook_sender_for):
    emails = queue_emails(3, kind="welcome")
    deliver()
    sender, now = webhook_sender_for("resend"), database_now().timestamp()
    for email, type_, seconds in zip(emails, ("delivered", "bounced", "complained"), (1, 100, 7200), strict=True):
        email.refresh_from_db()
        sender.post(sender.event(f"email.{type_}", message=email.provider_message_id, at=now - seconds))
    count_later()
    for name in ("delivered", "bounced", "complained"):
        assert value(f"emails_{name}_total", provider="resend", kind="welcome") == 1, name
    assert value("email_event_lag_seconds_count", provider="resend") == 3
    assert value("email_event_lag_seconds_bucket", provider="resend", le="60.0") == 1
    assert value("email_event_lag_seconds_bucket", provider="resend", le="300.0") == 2
    assert 7301 < value("email_event_lag_seconds_sum", provider="resend") < 7400


def test_repeated_event_counts_once(queue_emails, deliver, webhook_sender_for):
    [email] = queue_emails()
    deliver()
    email.refresh_from_db()
    sender = webhook_sender_for("resend")
    event = sender.event("email.bounced", message=email.provider_message_id)
    for _ in range(3):
        sender.post(event)
    count_later()
    assert value("emails_bounced_total") == 1
    assert value("webhook_responses_total", receiver="resend", status="200") >= 3


def test_event_of_an_unknown_email_is_counted_apart(webhook_sender_for):
    webhook_sender_for("sequenzy").send_event("email.bounced", message="unknown")
    count_later()
    assert value("emails_bounced_total", kind="unlinked", provider="sequenzy") == 1


def test_event_from_a_clock_that_is_ahead_has_no_lag(webhook_sender_for):
    webhook_sender_for("resend").send_event("email.delivered", message="x", at=database_now().timestamp() + 60)
    count_later()
    assert value("email_event_lag_seconds_bucket", le="1.0", provider="resend") == 1
    assert value("email_event_lag_seconds_sum", provider="resend") == 0


def test_attempts_count_by_outcome_with_their_duration(queue_emails, deliver, provider_api):
    queue_emails(2)
    deliver()
    provider_api.defaults = {"resend": "422"}
    queue_emails(1)
    deliver()
    count_later()
    assert value("email_attempt_duration_seconds_count", provider="resend", outcome="accepted") == 1
    assert value("email_attempt_duration_seconds_count", outcome="refused") == 1
    assert value("email_attempt_duration_seconds_bucket", outcome="accepted", le="+Inf") == 1
    assert 0 < value("email_attempt_duration_seconds_sum", outcome="accepted") < 60


def test_attempt_without_an_outcome_counts_as_unknown():
    DeliveryAttempt.objects.create(provider="resend")
    count_later()
    assert value("email_attempt_duration_seconds_count", outcome="unknown") == 1


def test_stripe_events_count_with_their_lag():
    now = database_now()
    for number, seconds in enumerate((2, 4000)):
        created_at = now - timedelta(seconds=seconds)
        StripeEvent.objects.create(id=f"evt_{number}", type="x", livemode=False, body="{}", created_at=created_at)
    count_later()
    assert value("stripe_event_lag_seconds_count") == 2
    assert value("stripe_event_lag_seconds_bucket", le="5.0") == 1


@pytest.mark.parametrize(
    ("provider", "kind", "labels"),
    [
        ("resend", "welcome", ("resend", "welcome")),
        ("a.former.Backend", "a_former_kind", ("other", "other")),
        ("", "", ("none", "none")),
    ],
)
def test_unknown_labels_are_bounded(queue_emails, provider, kind, labels):
    [email] = queue_emails()
    OutboundEmail.objects.filter(pk=email.pk).update(
        provider=provider, kind=kind, status="failed", settled_at=Now(), due_at=None
    )
    count_later()
    assert value("emails_failed_total", provider=labels[0], kind=labels[1]) == 1


def test_long_pauses_are_counted_in_steps_and_very_long_ones_are_skipped(queue_emails, deliver):
    for hours in (3, 40, 10):  # 53, 50, and 10 hours ago
        queue_emails(1, kind="welcome")
        deliver()
        pass_time(timedelta(hours=hours))
    count_later()
    assert value("emails_sent_total", kind="welcome") == 1
    assert {*Counted.objects.values_list("source", flat=True)} == {source.name for source in counting.SOURCES}


def test_nothing_is_counted_without_a_token(settings, queue_emails, deliver):
    settings.METRICS_TOKEN = ""
    queue_emails(1)
    deliver()
    pass_time(timedelta(minutes=3))
    tasks.count_totals()
    assert not Total.objects.exists()


def test_totals_never_decrease(queue_emails, deliver, webhook_sender_for):
    before = scrape()
    sender = webhook_sender_for("resend")
    for _ in range(3):
        [email] = queue_emails(1, kind="welcome")
        deliver()
        email.refresh_from_db()
        sender.post(sender.event("email.delivered", message=email.provider_message_id))
        OutboundEmail.objects.all().delete()
        DeliveryEvent.objects.all().delete()
        count_later()
        after = scrape()
        totals = [series for series in before if series[0].startswith(("emails_", "email_event_lag", "email_attempt"))]
        assert [series for series in totals if series[0].endswith("_total") and after[series] < before[series]] == []
        before = after


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_row_of_an_open_transaction_is_counted_after_its_commit(queue_emails):
    queue_emails(1, kind="welcome")
    other = connection.copy()
    try:
        other.ensure_connection()
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "UPDATE emails_outboundemail SET status = 'sent', sent_at = now(), settled_at = now(), due_at = NULL"
            )
        assert counting.writers_begin() < database_now() - timedelta(seconds=5)
        with other.cursor() as cursor:
            cursor.execute("SELECT now()")
            (began_at,) = cursor.fetchone()
        assert counting.writers_begin() <= began_at
        other.commit()
        assert counting.writers_begin() > began_at - timedelta(seconds=5)
    finally:
        other.close()
