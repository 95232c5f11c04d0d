"""Every event of the three providers, translated into our types, severities, and suppression causes.

``webhook_sender_for("resend")`` returns a sender that signs events and posts them to our webhook receiver, as Resend
does. Each test posts events and then looks at the stored ``DeliveryEvent`` rows.
"""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from common.db import database_now
from emails.models import DeliveryEvent, OutboundEmail, Status, Suppression
from emails.tests.support.signed_events import ago

HARD_BOUNCE, COMPLAINT = "hard_bounce", "complaint"  # the causes of a suppression
FINAL_EVENTS = ["click", "bounce", "spamreport"]
FINAL_STATUSES = [Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED]

# Each row holds: event name, extra data, our event type, severity, cause of the suppression.
# https://docs.sequenzy.com/api-reference
SEQUENZY = [
    ("email.sent", {}, "sent", "", ""),
    ("email.delivered", {}, "delivered", "", ""),
    ("email.delivery_delayed", {}, "deferred", "", ""),
    ("email.bounced", {}, "bounced", "hard", HARD_BOUNCE),
    ("email.bounced", {"bounce_type": "Permanent"}, "bounced", "hard", HARD_BOUNCE),
    ("email.bounced", {"bounce_type": "soft"}, "bounced", "soft", ""),
    ("email.bounced", {"bounce_classification": "Transient failure"}, "bounced", "soft", ""),
    ("email.failed", {"failure": {"code": "transport_exhausted"}}, "rejected", "", ""),
    ("email.complained", {}, "complained", "", COMPLAINT),
    ("email.opened", {}, "opened", "", ""),
    ("email.clicked", {"url": "https://example.com"}, "clicked", "", ""),
    ("email.unsubscribed", {}, "unsubscribed", "", ""),
    ("subscriber.unsubscribed", {"subscriber": {"email": "ada@example.com"}}, "unsubscribed", "", ""),
    ("subscriber.invalid", {}, "rejected", "", ""),
    ("email.replied", {}, "other", "", ""),
    ("campaign.sent", {}, "other", "", ""),
]
# https://resend.com/docs/webhooks/event-types
RESEND = [
    ("email.scheduled", {}, "queued", "", ""),
    ("email.sent", {}, "sent", "", ""),
    ("email.delivered", {}, "delivered", "", ""),
    ("email.delivery_delayed", {}, "deferred", "", ""),
    ("email.bounced", {}, "bounced", "hard", HARD_BOUNCE),
    ("email.bounced", {"bounce": {"type": "Permanent", "subType": "General"}}, "bounced", "hard", HARD_BOUNCE),
    ("email.bounced", {"bounce": {"message": "old events had only this"}}, "bounced", "hard", HARD_BOUNCE),
    ("email.bounced", {"bounce": {"type": "Transient", "subType": "MailboxFull"}}, "bounced", "soft", ""),
    ("email.bounced", {"bounce": {"type": "Temporary"}}, "bounced", "soft", ""),
    ("email.bounced", {"bounce": {"type": "Undetermined"}}, "bounced", "undetermined", ""),
    # Before email.suppressed existed, Resend reported a suppressed address as a bounce.
    ("email.bounced", {"bounce": {"type": "Permanent", "subType": "Suppressed"}}, "suppressed", "", HARD_BOUNCE),
    ("email.suppressed", {"suppressed": {"reason": "previous_bounce"}}, "suppressed", "", HARD_BOUNCE),
    ("email.suppressed", {"suppressed": {"reason": "previous_complaint"}}, "suppressed", "", COMPLAINT),
    # The documentation's example has only a type and a message.
    ("email.suppressed", {"suppressed": {"type": "OnAccountSuppressionList"}}, "suppressed", "", HARD_BOUNCE),
    ("email.suppressed", {"suppressed": {"type": "Suppressed", "reason": ""}}, "suppressed", "", HARD_BOUNCE),
    ("email.suppressed", {"suppressed": {"reason": "something new"}}, "suppressed", "", HARD_BOUNCE),
    ("email.suppressed", {"suppressed": {"reason": "Previous_Complaint"}}, "suppressed", "", COMPLAINT),
    ("email.suppressed", {"suppressed": "on the list"}, "suppressed", "", HARD_BOUNCE),
    ("email.suppressed", {}, "suppressed", "", HARD_BOUNCE),
    # The type decides before any word in the text.
    ("email.bounced", {"bounce": {"type": "Transient", "message": "451 is suppressed for now"}}, "bounced", "soft", ""),
    ("email.bounced", {"bounce": {"type": "temporary", "subType": "Suppressed"}}, "bounced", "soft", ""),
    (
        "email.bounced",
        {"bounce": {"type": "Undetermined", "message": "on the suppression list"}},
        "bounced",
        "undetermined",
        "",
    ),
    ("email.bounced", {"bounce": {"type": "Novel", "message": "suppressed"}}, "bounced", "undetermined", ""),
    ("email.bounced", {"bounce": {"message": "on the suppression list"}}, "suppressed", "", HARD_BOUNCE),
    ("email.bounced", {"bounce": {"type": "permanent", "message": "Suppressed"}}, "suppressed", "", HARD_BOUNCE),
    ("email.failed", {"failed": {"reason": "reached_daily_quota"}}, "rejected", "", ""),
    ("email.complained", {}, "complained", "", COMPLAINT),
    ("email.opened", {}, "opened", "", ""),
    ("email.clicked", {"click": {"link": "https://example.com"}}, "clicked", "", ""),
    ("email.received", {}, "other", "", ""),
    ("contact.updated", {"unsubscribed": True}, "unsubscribed", "", ""),
    ("contact.updated", {"unsubscribed": False}, "other", "", ""),
    ("domain.created", {}, "other", "", ""),
]
# https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
SENDGRID = [
    ("processed", {}, "sent", "", ""),
    ("delivered", {"response": "250 OK"}, "delivered", "", ""),
    ("deferred", {"attempt": "5"}, "deferred", "", ""),
    ("bounce", {"type": "bounce"}, "bounced", "hard", HARD_BOUNCE),
    # A block is about the sender or the content, not about the address.
    ("bounce", {"type": "blocked", "status": "5.7.1"}, "bounced", "soft", ""),
    ("bounce", {"status": "5.1.1"}, "bounced", "hard", HARD_BOUNCE),
    ("bounce", {"bounce_classification": "Invalid Address"}, "bounced", "hard", HARD_BOUNCE),
    ("bounce", {"status": "4.2.2"}, "bounced", "soft", ""),
    ("bounce", {}, "bounced", "soft", ""),
    # Without a type, only a status that says that the address doesn't exist counts.
    ("bounce", {"status": "5.7.1", "reason": "the sending host is on a block list"}, "bounced", "soft", ""),
    ("bounce", {"status": "5.7.26"}, "bounced", "soft", ""),
    ("bounce", {"status": "5.2.2"}, "bounced", "soft", ""),
    ("bounce", {"status": "5.0.0"}, "bounced", "soft", ""),
    ("bounce", {"status": "5.1.8"}, "bounced", "soft", ""),
    ("bounce", {"status": "550"}, "bounced", "soft", ""),
    ("bounce", {"status": "5.1.10"}, "bounced", "hard", HARD_BOUNCE),
    ("bounce", {"type": "expired", "status": "5.4.7"}, "bounced", "soft", ""),
    ("bounce", {"type": "novel", "status": "5.3.0"}, "bounced", "soft", ""),
    ("blocked", {"reason": "550 refused"}, "bounced", "soft", ""),
    ("blocked", {"status": "5.1.1", "type": "bounce"}, "bounced", "soft", ""),
    ("dropped", {"reason": "Bounced Address"}, "suppressed", "", HARD_BOUNCE),
    ("dropped", {"reason": "bounced address"}, "suppressed", "", HARD_BOUNCE),
    ("dropped", {"reason": "Bounced"}, "suppressed", "", HARD_BOUNCE),
    ("dropped", {"reason": "Spam Reporting"}, "suppressed", "", COMPLAINT),
    ("dropped", {"reason": "Unsubscribed"}, "suppressed", "", ""),
    ("dropped", {"reason": "Bounced twice"}, "rejected", "", ""),
    ("dropped", {"reason": "Spam Reporting Address"}, "suppressed", "", COMPLAINT),
    ("dropped", {"reason": "Unsubscribed Address"}, "suppressed", "", ""),
    ("dropped", {"reason": "Invalid"}, "rejected", "", ""),
    ("dropped", {"reason": "Spam Content"}, "rejected", "", ""),
    ("dropped", {"reason": "Recipient List over Package Quota"}, "rejected", "", ""),
    ("dropped", {}, "rejected", "", ""),
    ("spamreport", {}, "complained", "", COMPLAINT),
    ("unsubscribe", {}, "unsubscribed", "", ""),
    ("group_unsubscribe", {"asm_group_id": 10}, "unsubscribed", "", ""),
    ("group_resubscribe", {"asm_group_id": 10}, "resubscribed", "", ""),
    ("open", {"sg_machine_open": True}, "opened", "", ""),
    ("click", {"url": "https://example.com"}, "clicked", "", ""),
    ("account_status_change", {"category": "x"}, "other", "", ""),
]
EVENTS = [
    pytest.param(provider, *row, id=f"{provider} {row[0]} {row[1]}")
    for provider, table in (("sequenzy", SEQUENZY), ("resend", RESEND), ("sendgrid", SENDGRID))
    for row in table
]


@pytest.mark.parametrize(("provider", "name", "data", "kind", "severity", "cause"), EVENTS)
def test_provider_event_is_translated(
    webhook_sender_for, store_sent_email, provider, name, data, kind, severity, cause
):
    store_sent_email(provider, "m1")
    response = webhook_sender_for(provider).send_event(name, message="m1", **data)
    assert response.status_code == 200
    event = DeliveryEvent.objects.get()
    assert event.type == kind
    assert event.severity == severity
    assert event.recipient == "ada@example.com"
    suppressions = Suppression.objects.exclude(scope=Suppression.Scope.MARKETING)
    assert [suppression.cause for suppression in suppressions] == ([cause] if cause else [])


@pytest.mark.parametrize(
    ("provider", "data", "detail"),
    [
        ("sequenzy", {"bounce_type": "Permanent", "bounce_reason": "550 unknown"}, "Permanent 550 unknown"),
        ("resend", {"bounce": {"type": "Permanent", "diagnosticCode": ["smtp; 550", "x"]}}, "Permanent smtp; 550; x"),
        ("resend", {"bounce": {"type": "Permanent", "diagnosticCode": "smtp; 550"}}, "Permanent smtp; 550"),
        ("resend", {"suppressed": {"message": "On the list.", "type": "OnAccount"}}, "OnAccount On the list."),
        ("sendgrid", {"status": "5.1.1", "reason": "550 usuário"}, "5.1.1 550 usuário"),
    ],
)
def test_response_of_the_receiving_server_is_kept(webhook_sender_for, provider, data, detail):
    webhook_sender_for(provider).send_event(
        "bounce" if provider == "sendgrid" else "email.bounced", message="m1", **data
    )
    assert DeliveryEvent.objects.get().detail == detail


def test_resend_contact_event_uses_its_address(webhook_sender_for):
    webhook_sender = webhook_sender_for("resend")
    webhook_sender.post(
        {"type": "contact.updated", "data": {"id": "1", "email": "Ada@Example.com", "unsubscribed": True}}
    )
    assert DeliveryEvent.objects.get().recipient == "ada@example.com"


def test_largest_sendgrid_batch_is_stored(webhook_sender_for):
    """SendGrid posts up to 768 kB, which is about 3,000 short events.

    Their fields exceed the number of parameters that one SQL statement may have.
    """
    webhook_sender = webhook_sender_for("sendgrid")
    events = [webhook_sender.event("open", message=f"m{number}")[0] for number in range(3000)]
    assert webhook_sender.post(events).json() == {"received": 3000, "new": 3000}


def test_token_of_a_clicked_link_is_removed(webhook_sender_for):
    link = "https://app.example.com/reset-password?a=1&token=very-secret-token&b=2"
    webhook_sender_for("resend").send_event("email.clicked", message="m1", click={"link": link})
    raw: Any = DeliveryEvent.objects.get().raw
    assert raw["data"]["click"]["link"] == "https://app.example.com/reset-password?a=1&token=[removed]&b=2"


@pytest.mark.parametrize(
    "timestamp",
    [
        pytest.param(1700000000, id="seconds"),
        pytest.param("1700000000", id="seconds as text"),
        pytest.param(1700000000000, id="milliseconds"),
        pytest.param("1700000000000", id="milliseconds as text"),
    ],
)
def test_sendgrid_timestamp_is_read_in_every_form(webhook_sender_for, timestamp):
    webhook_sender = webhook_sender_for("sendgrid")
    [event] = webhook_sender.event("delivered", message="m1")
    webhook_sender.post([{**event, "timestamp": timestamp}])
    assert DeliveryEvent.objects.get().occurred_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["2023-10-06T23:47:56.678Z", "2023-10-06 23:47:56.678+00", "2023-10-06T23:47:56.678000+00:00"]
)
def test_resend_timestamp_is_read_in_every_form(webhook_sender_for, written):
    webhook_sender = webhook_sender_for("resend")
    webhook_sender.post({**webhook_sender.event("email.sent", message="m1"), "created_at": written})
    assert DeliveryEvent.objects.get().occurred_at == datetime(2023, 10, 6, 23, 47, 56, 678000, tzinfo=UTC)


def test_5000_shuffled_sendgrid_events_are_recorded_correctly(webhook_sender_for, use_provider, queue_emails):
    """One event in ten is repeated, and all are shuffled and posted in batches of 500."""
    use_provider("sendgrid")
    rows = queue_emails(1000)
    OutboundEmail.objects.update(status=Status.SENT, sent_at=database_now(), settled_at=database_now(), due_at=None)
    webhook_sender = webhook_sender_for("sendgrid")
    events = [
        webhook_sender.event(kind, message=f"m{number}", our_id=row.pk, to=row.recipients, at=ago(minutes=30 - step))[0]
        for number, row in enumerate(rows)
        for step, kind in enumerate(["processed", "deferred", "delivered", "open", FINAL_EVENTS[number % 3]])
    ]
    events = [*events[:-500], *({**event, "sg_event_id": "again"} for event in events[:500])]
    random.Random(7).shuffle(events)
    responses = [webhook_sender.post(events[first : first + 500]).json() for first in range(0, len(events), 500)]
    assert sum(response["new"] for response in responses) == 4500
    for number, row in enumerate(rows[:900]):
        row.refresh_from_db()
        assert (row.status, row.events.count()) == (FINAL_STATUSES[number % 3], 5)
    assert Suppression.objects.count() == 300, "complaints suppress; a bounce without a status is soft"
