"""Polling of Sequenzy, which sends no event for suppressed addresses: once after an hour and once after a day."""

from datetime import timedelta
from typing import Any

import pytest

from emails.delivery.polling import look_up_silent_emails
from emails.models import OutboundEmail, Status, Suppression
from emails.tests.support.clock import travel
from emails.tracking.suppressions import is_suppressed

HOUR = timedelta(hours=1)


@pytest.fixture
def silent_email(provider_api, use_provider, queue_emails, deliver):
    """A message that Sequenzy accepted; ``set_reported_status`` sets what polling will return for it."""
    use_provider("sequenzy")
    queue_emails()
    deliver()
    row: Any = OutboundEmail.objects.get()

    def set_reported_status(status: str, **fields: object) -> None:
        provider_api.statuses[row.provider_message_id] = {"id": row.provider_message_id, "status": status, **fields}

    set_reported_status("sent")
    row.set_reported_status = set_reported_status
    return row


def test_silent_email_is_polled_after_an_hour_and_a_day(silent_email, provider_api):
    polled = []
    for hours in (0.9, 0.2, 1, 20, 3, 24, 240):
        travel(hours * HOUR)
        polled.append(look_up_silent_emails())
    assert polled == [0, 1, 0, 0, 1, 0, 0]
    assert provider_api.last.headers["authorization"] == "Bearer key-of-sequenzy"


def test_suppressed_address_is_discovered(silent_email):
    silent_email.set_reported_status("suppressed", suppressionReason="hard_bounce", emailBody="<p>Hello there.</p>")
    travel(2 * HOUR)
    look_up_silent_emails()
    silent_email.refresh_from_db()
    assert silent_email.status == Status.SUPPRESSED
    assert "hard_bounce" in silent_email.detail
    assert "emailBody" not in silent_email.events.get().raw
    assert Suppression.objects.get().cause == "hard_bounce"


@pytest.mark.parametrize(
    ("reported", "status", "suppresses"),
    [
        ("delivered", Status.DELIVERED, False),
        ("opened", Status.DELIVERED, False),
        ("bounced", Status.BOUNCED, True),
        ("complained", Status.COMPLAINED, True),
        ("failed", Status.FAILED, False),
        ("pending", Status.SENT, False),
        ("sent", Status.SENT, False),
        ("something new", Status.SENT, False),
    ],
)
def test_polled_status_is_recorded(silent_email, reported, status, suppresses):
    silent_email.set_reported_status(reported)
    travel(2 * HOUR)
    look_up_silent_emails()
    silent_email.refresh_from_db()
    assert silent_email.status == status
    assert is_suppressed("person-0@example.com") is suppresses


def test_email_with_an_event_is_not_polled(silent_email, provider_api, webhook_sender_for):
    webhook_sender_for("sequenzy").send_event("email.sent", message=silent_email.provider_message_id)
    travel(2 * HOUR)
    assert look_up_silent_emails() == 0


@pytest.mark.parametrize("fault", ["503", "429", "rubbish", "cut-before", "500-html"])
def test_failed_poll_is_repeated_after_ten_minutes(silent_email, provider_api, fault):
    silent_email.set_reported_status("suppressed")
    travel(2 * HOUR)
    provider_api.faults = [fault]
    look_up_silent_emails()
    assert look_up_silent_emails() == 0
    travel(timedelta(minutes=11))
    look_up_silent_emails()
    silent_email.refresh_from_db()
    assert silent_email.status == Status.SUPPRESSED


@pytest.mark.parametrize("status", [403, 404])
def test_permanent_refusal_is_polled_once_more_after_a_day(silent_email, provider_api, status):
    """The key may only send (403), or Sequenzy does not know the ID (404)."""
    travel(2 * HOUR)
    polled = []
    for hours in (0, 1, 10, 24, 48):
        travel(hours * HOUR)
        provider_api.faults = [str(status)]
        polled.append(look_up_silent_emails())
    assert polled == [1, 0, 0, 1, 0]


def test_polling_stops_while_sequenzy_is_down(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    queue_emails(3)
    deliver()
    travel(2 * HOUR)
    provider_api.faults = ["500"]
    assert (look_up_silent_emails(), look_up_silent_emails()) == (1, 2)


@pytest.mark.parametrize("provider", ["resend", "sendgrid"])
def test_other_providers_are_not_polled(provider_api, use_provider, queue_emails, deliver, provider):
    use_provider(provider)
    queue_emails()
    deliver()
    travel(2 * HOUR)
    assert OutboundEmail.objects.get().lookup_at is None
    assert look_up_silent_emails() == 0
