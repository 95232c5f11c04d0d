"""Hard bounces, complaints, and repeated soft bounces suppress an address; other failures don't."""

from datetime import timedelta

import pytest

from emails.models import Status, Suppression
from emails.tests.support.clock import travel
from emails.tests.support.provider_payloads import (
    COMPLAINT,
    DELIVERED,
    HARD_BOUNCE,
    SOFT_BOUNCE,
    current_status,
    event_fields,
)
from emails.tests.support.signed_events import ago
from emails.tracking.suppressions import is_suppressed


def test_hard_bounce_suppresses_and_stops_later_calls(
    webhook_sender, provider, sent_email, provider_api, queue_emails, deliver
):
    kind, data = HARD_BOUNCE[provider]
    webhook_sender.send_event(kind, **event_fields(sent_email, provider), **data)
    assert current_status(sent_email) == Status.BOUNCED
    assert Suppression.objects.get().cause == "hard_bounce"
    calls = provider_api.calls
    (following,) = queue_emails()
    deliver()
    assert (current_status(following), provider_api.calls) == (Status.SUPPRESSED, calls)


def test_replayed_bounce_does_not_restore_lifted_suppression(
    webhook_sender, provider, sent_email, queue_emails, deliver
):
    kind, data = HARD_BOUNCE[provider]
    event = webhook_sender.event(kind, **event_fields(sent_email, provider), **data)
    webhook_sender.post(event)
    Suppression.objects.get().delete()
    assert webhook_sender.post(event).json()["new"] == 0
    (following,) = queue_emails()
    deliver()
    assert current_status(following) == Status.SENT


def test_complaint_suppresses(webhook_sender, provider, sent_email):
    webhook_sender.send_event(COMPLAINT[provider], **event_fields(sent_email, provider))
    assert current_status(sent_email) == Status.COMPLAINED
    assert Suppression.objects.get().cause == "complaint"


def test_sixth_soft_bounce_suppresses_for_a_week(webhook_sender, provider, store_sent_email):
    kind, data = SOFT_BOUNCE[provider]
    for number in range(6):
        assert not is_suppressed("person-0@example.com")
        store_sent_email(provider, f"m{number}", to="person-0@example.com")
        webhook_sender.send_event(
            kind, message=f"m{number}", to="person-0@example.com", at=ago(minutes=30 - number), **data
        )
    suppression = Suppression.objects.get()
    assert suppression.cause == "soft_bounces"
    travel(timedelta(days=6, hours=23))
    assert is_suppressed("person-0@example.com")
    travel(timedelta(hours=2))
    assert not is_suppressed("person-0@example.com")


def test_delivery_resets_the_soft_bounce_count(webhook_sender, provider, store_sent_email):
    kind, data = SOFT_BOUNCE[provider]
    for number in range(9):
        store_sent_email(provider, f"m{number}", to="person-0@example.com")
        name, fields = (DELIVERED[provider], {}) if number == 4 else (kind, data)
        webhook_sender.send_event(
            name, message=f"m{number}", to="person-0@example.com", at=ago(minutes=30 - number), **fields
        )
    assert not is_suppressed("person-0@example.com")


@pytest.mark.parametrize(
    ("provider", "kind", "data"),
    [
        ("sequenzy", "email.failed", {"failure": {"code": "transport_exhausted", "message": "no transport"}}),
        ("sequenzy", "email.delivery_delayed", {}),
        ("resend", "email.failed", {"failed": {"reason": "reached_daily_quota"}}),
        ("resend", "email.delivery_delayed", {}),
        ("sendgrid", "dropped", {"reason": "Recipient List over Package Quota"}),
        ("sendgrid", "dropped", {"reason": "Spam Content"}),
        ("sendgrid", "dropped", {"reason": "Unsubscribed Address"}),
        ("sendgrid", "deferred", {"response": "451 try again"}),
        ("sendgrid", "bounce", {"type": "blocked", "status": "5.7.1"}),
        ("sendgrid", "unsubscribe", {}),
    ],
)
def test_failure_not_caused_by_the_address_never_suppresses(webhook_sender_for, store_sent_email, provider, kind, data):
    webhook_sender = webhook_sender_for(provider)
    for number in range(5):
        store_sent_email(provider, f"m{number}")
        webhook_sender.send_event(kind, message=f"m{number}", **data)
    assert not is_suppressed("ada@example.com")


def test_second_undetermined_bounce_from_resend_suppresses(webhook_sender_for, store_sent_email):
    for message in ("m1", "m2"):
        store_sent_email("resend", message)
    webhook_sender = webhook_sender_for("resend")
    bounce = {"bounce": {"type": "Undetermined"}}
    webhook_sender.send_event("email.bounced", message="m1", at=ago(minutes=9), **bounce)
    assert not is_suppressed("ada@example.com")
    webhook_sender.send_event("email.bounced", message="m1", at=ago(minutes=8), **bounce)
    assert not is_suppressed("ada@example.com"), "both bounces are about the same message"
    webhook_sender.send_event("email.bounced", message="m2", at=ago(minutes=7), **bounce)
    assert is_suppressed("ada@example.com")


def test_resend_bounce_with_several_recipients_suppresses_nobody(
    webhook_sender_for, use_provider, queue_emails, deliver
):
    use_provider("resend")
    (row,) = queue_emails(to=["ada@example.com"], cc=["bob@example.com"])
    deliver()
    row.refresh_from_db()
    kind, data = HARD_BOUNCE["resend"]
    webhook_sender_for("resend").send_event(kind, **event_fields(row, "resend") | {"to": "ada@example.com"}, **data)
    assert current_status(row) == Status.BOUNCED
    assert not Suppression.objects.exists()


def test_soft_bounce_of_uncertain_recipient_is_not_counted(webhook_sender_for, store_sent_email):
    """Five bounces of messages with two recipients and one of this address alone are not six in a row."""
    kind, data = SOFT_BOUNCE["resend"]
    webhook_sender = webhook_sender_for("resend")
    for number in range(6):
        event = webhook_sender.event(kind, message=f"m{number}", at=ago(minutes=30 - number), **data)
        event["data"]["to"] = ["ada@example.com", "bob@example.com"] if number < 5 else ["ada@example.com"]
        store_sent_email("resend", f"m{number}", to=" ".join(event["data"]["to"]))
        webhook_sender.post(event)
    assert not Suppression.objects.exists()
