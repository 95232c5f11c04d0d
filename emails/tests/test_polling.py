"""Sequenzy tells nothing of mail to addresses on its own list: it is asked once after an hour and once after a day."""

from datetime import timedelta
from typing import Any

import pytest

from emails.delivery.polling import look_up_silent_mail
from emails.models import OutboundEmail, Status, Suppression
from emails.tests.support.clock import travel
from emails.tracking.suppressions import is_suppressed

HOUR = timedelta(hours=1)


@pytest.fixture
def silent(provider_api, use_provider, queue_emails, deliver):
    """A message that Sequenzy took; ``says(status)`` is what it will answer about it."""
    use_provider("sequenzy")
    queue_emails()
    deliver()
    row: Any = OutboundEmail.objects.get()

    def says(status: str, **fields: object) -> None:
        provider_api.statuses[row.provider_message_id] = {"id": row.provider_message_id, "status": status, **fields}

    says("sent")
    row.says = says
    return row


def test_silent_email_is_polled_after_an_hour_and_a_day(silent, provider_api):
    asked = []
    for hours in (0.9, 0.2, 1, 20, 3, 24, 240):
        travel(hours * HOUR)
        asked.append(look_up_silent_mail())
    assert asked == [0, 1, 0, 0, 1, 0, 0]
    assert provider_api.last.headers["authorization"] == "Bearer key-of-sequenzy"


def test_suppressed_address_is_discovered(silent):
    silent.says("suppressed", suppressionReason="hard_bounce", emailBody="<p>Hello there.</p>")
    travel(2 * HOUR)
    look_up_silent_mail()
    silent.refresh_from_db()
    assert silent.status == Status.SUPPRESSED
    assert "hard_bounce" in silent.detail
    assert "emailBody" not in silent.events.get().raw
    assert Suppression.objects.get().cause == "hard_bounce"


@pytest.mark.parametrize(
    ("told", "status", "suppresses"),
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
def test_polled_status_is_recorded(silent, told, status, suppresses):
    silent.says(told)
    travel(2 * HOUR)
    look_up_silent_mail()
    silent.refresh_from_db()
    assert silent.status == status
    assert is_suppressed("person-0@example.com") is suppresses


def test_email_with_an_event_is_not_polled(silent, provider_api, webhook_sender_for):
    webhook_sender_for("sequenzy").send_event("email.sent", message=silent.provider_message_id)
    travel(2 * HOUR)
    assert look_up_silent_mail() == 0


@pytest.mark.parametrize("fault", ["503", "429", "rubbish", "cut-before", "500-html"])
def test_failed_poll_is_repeated_after_ten_minutes(silent, provider_api, fault):
    silent.says("suppressed")
    travel(2 * HOUR)
    provider_api.faults = [fault]
    look_up_silent_mail()
    assert look_up_silent_mail() == 0
    travel(timedelta(minutes=11))
    look_up_silent_mail()
    silent.refresh_from_db()
    assert silent.status == Status.SUPPRESSED


@pytest.mark.parametrize("status", [403, 404])
def test_permanent_refusal_is_polled_once_more_after_a_day(silent, provider_api, status):
    """A key that may only send, or an id that Sequenzy does not know."""
    travel(2 * HOUR)
    asked = []
    for hours in (0, 1, 10, 24, 48):
        travel(hours * HOUR)
        provider_api.faults = [str(status)]
        asked.append(look_up_silent_mail())
    assert asked == [1, 0, 0, 1, 0]


def test_polling_stops_while_sequenzy_is_down(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    queue_emails(3)
    deliver()
    travel(2 * HOUR)
    provider_api.faults = ["500"]
    assert (look_up_silent_mail(), look_up_silent_mail()) == (1, 2)


@pytest.mark.parametrize("provider", ["resend", "sendgrid"])
def test_other_providers_are_not_polled(provider_api, use_provider, queue_emails, deliver, provider):
    use_provider(provider)
    queue_emails()
    deliver()
    travel(2 * HOUR)
    assert OutboundEmail.objects.get().lookup_at is None
    assert look_up_silent_mail() == 0
