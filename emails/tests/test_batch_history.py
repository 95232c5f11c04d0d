"""In a batch, the history of each message says what happened to that message, and nothing about other people."""

import json

import pytest

from common.redaction import without_addresses
from emails.models import DeliveryAttempt, OutboundEmail
from emails.privacy import export
from emails.support.history import history
from emails.tests.support.provider_rules import Reply

pytestmark = pytest.mark.urls("emails.tests.support.urls")


def details(email: OutboundEmail) -> str:
    return "\n".join(f"{entry.event}: {entry.detail}" for entry in history(email))


def email_to(address: str) -> OutboundEmail:
    return OutboundEmail.objects.get(recipients=address)


@pytest.fixture
def split_batch(provider_api, queue_emails, deliver):
    """Send seven emails in one batch that Resend refuses because of one address."""
    queue_emails(6, metadata={"user_id": "7"})
    queue_emails(1, to=["bad@example.com"])
    provider_api.refused = {"bad@example.com"}
    provider_api.faults = [Reply(422, {"name": "validation_error", "message": "Invalid `to` field: bad@example.com"})]
    deliver()


def test_delivered_message_was_refused_because_of_another(split_batch):
    for number in range(6):
        text = details(email_to(f"person-{number}@example.com"))
        assert "The call of 7 messages was refused because of another message; this one was sent " in text
        assert "bad@example.com" not in text
        assert "Invalid" not in text


def test_size_of_the_call_that_was_accepted_is_named(provider_api, queue_emails, deliver):
    provider_api.refused = {"bad@example.com"}
    for count in (1, 5):
        queue_emails(count)
        queue_emails(1, to=["bad@example.com"])
        deliver()
    texts = [details(email) for email in OutboundEmail.objects.exclude(recipients="bad@example.com")]
    assert any("because of another message; this one was sent on its own." in text for text in texts)
    assert any("because of another message; this one was sent in a call of 3 messages." in text for text in texts)


def test_message_at_fault_shows_its_own_error(split_batch):
    text = details(email_to("bad@example.com"))
    assert "The call of 7 messages was refused, and so was this message on its own." in text
    assert "You can only send to your own address" in text


def test_export_and_admin_and_inbox_show_nothing_of_others(split_batch, admin_client, client, settings):
    email = email_to("person-0@example.com")
    exported = [entry for row in export("7") for entry in row["events"]]
    page = admin_client.get(f"/admin/emails/outboundemail/{email.pk}/change/").content.decode()
    settings.DEBUG = True
    inbox = {
        message["id"]: message
        for message in client.get("/dev/inbox.json", headers={"host": "localhost"}).json()["messages"]
    }
    for text in (str(exported), page, json.dumps(inbox[str(email.pk)])):
        assert "because of another message" in text
        assert "bad@example.com" not in text


def test_refusal_of_the_whole_call_hides_other_addresses(provider_api, queue_emails, deliver):
    queue_emails(3)
    provider_api.faults = [Reply(503, {"message": "Cannot reach <person-1@example.com>, person-2@example.com."})]
    deliver()
    for number in range(3):
        row = email_to(f"person-{number}@example.com")
        others = {f"person-{other}@example.com" for other in range(3)} - {row.recipients}
        assert "Cannot reach" in details(row)
        assert not any(other in details(row) + row.detail for other in others)


def test_call_that_is_not_settled_blames_nobody(provider_api, queue_emails, deliver):
    queue_emails(4)
    provider_api.default = "422"
    provider_api.faults = ["422", "503", "503", "503"]
    deliver()
    texts = [details(email) for email in OutboundEmail.objects.filter(status="queued")]
    assert texts
    assert all("because of at least one of them; each is sent again in a smaller call." in text for text in texts)


def test_attempt_from_before_the_column_counts_its_messages(split_batch):
    DeliveryAttempt.objects.update(message_count=None)
    assert "The call of 7 messages" in details(email_to("person-0@example.com"))


def test_history_costs_no_query_per_message(split_batch, django_assert_num_queries):
    emails = OutboundEmail.objects.prefetch_related("attempts", "events")
    with django_assert_num_queries(3):
        assert all(history(email) for email in emails)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to ada@example.com.", "to [another recipient]."),
        ("<Ada@Example.com>", "<[another recipient]>"),
        ("to=ada@example.com,bob@example.com", "to=[another recipient],bob@example.com"),
        ('"grüße@bücher.example"', '"[another recipient]"'),
        ("a@b and BOB@example.com", "[another recipient] and BOB@example.com"),
        ("5 @ 3", "5 @ 3"),
    ],
)
def test_addresses_are_removed_from_texts(text, expected):
    assert without_addresses(text, keep=["bob@example.com"]) == expected
