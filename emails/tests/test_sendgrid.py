"""The SendGrid backend: the JSON that it sends, and the messages that it refuses because SendGrid can't carry them.

SendGrid documents the format at https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send.

``provider_api`` is a local HTTP server that responds as SendGrid's API does. ``mail()`` builds a message to
ada@example.com, and ``sent()`` sends a message to that server and returns the JSON that arrived.
"""

import uuid

import pytest

from emails.backends import SendGridBackend
from emails.errors import UnsupportedFeature
from emails.message import Message
from emails.tests.support.messages import backend, inline_image, mail, oversized_message, sent, with_alternative


def test_payload_is_complete(provider_api):
    message = mail(
        html="<p>Hi</p>",
        to=["Lovelace, Ada; 🎉 <ada@bücher.example>"],
        cc=["bob@example.com"],
        bcc=["c@example.com"],
        reply_to=["Help <help@acme.example>"],
        headers={"X-Number": 3},
    )
    message.tags = ["welcome", "welcome"]
    message.metadata = {"user_id": 7}
    message.sensitive = True
    message.attachments += [inline_image(), ("a.txt", "Hi", "text/plain")]
    payload = sent("sendgrid", provider_api, message)
    arguments = payload["personalizations"][0].pop("custom_args")  # checked below, because the message ID is random
    assert payload == {
        "personalizations": [
            {
                # SendGrid's documentation rules out commas and semicolons in a name.
                "to": [{"email": "ada@xn--bcher-kva.example", "name": "Lovelace Ada 🎉"}],
                "cc": [{"email": "bob@example.com"}],
                "bcc": [{"email": "c@example.com"}],
            }
        ],
        "from": {"email": "hello@acme.example", "name": "Acme"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello there."}, {"type": "text/html", "value": "<p>Hi</p>"}],
        "reply_to_list": [{"email": "help@acme.example", "name": "Help"}],
        "attachments": [
            {
                "content": "UE5H",
                "filename": "logo.png",
                "type": "image/png",
                "disposition": "inline",
                "content_id": "logo",
            },
            {"content": "SGk=", "filename": "a.txt", "type": "text/plain", "disposition": "attachment"},
        ],
        "headers": {"X-Number": "3"},
        # Otherwise, SendGrid would drop a password reset to a person who unsubscribed from marketing.
        "mail_settings": {"bypass_unsubscribe_management": {"enable": True}},
        "categories": ["welcome"],  # SendGrid refuses a category that is listed twice
        # Links in a sensitive email grant access, so SendGrid must not rewrite or log them.
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }
    assert arguments["app_user_id"] == "7"
    assert uuid.UUID(arguments["app_message_id"])


def test_metadata_cannot_override_our_message_id(provider_api):
    """Events are matched to their email by this ID."""
    message = mail()
    message.metadata = {"message_id": "theirs"}
    body = backend("sendgrid", provider_api).serialize(Message.from_django(message, uuid.UUID(int=1)))
    assert str(uuid.UUID(int=1)).encode() in body
    assert b"theirs" not in body


@pytest.mark.parametrize("content_type", ["text/calendar", "text/html", "text/x-amp-html"])
def test_alternative_comes_last(provider_api, content_type):
    """SendGrid requires text/plain first and text/html second."""
    payload = sent("sendgrid", provider_api, with_alternative(content_type))
    assert [content["type"] for content in payload["content"]] == ["text/plain", "text/html", content_type]


def test_no_idempotency_key_is_sent(provider_api):
    """SendGrid ignores idempotency keys, so a key would suggest a protection that doesn't exist."""
    assert SendGridBackend.key_lifetime is None
    sent("sendgrid", provider_api, mail())
    assert "idempotency-key" not in provider_api.last.headers


def with_attributes(**attributes):
    message = mail()
    vars(message).update(attributes)
    return message


@pytest.mark.parametrize(
    ("make_message", "feature"),
    [
        pytest.param(lambda: mail(to=[], bcc=["a@example.com"]), "without `to`", id="no to"),
        pytest.param(lambda: mail(to=["jürgen@example.com"]), "jürgen", id="non-ASCII mailbox"),
        pytest.param(lambda: mail(subject=""), "empty subject", id="empty subject"),
        pytest.param(lambda: mail(body=""), "empty body", id="empty body"),
        pytest.param(
            lambda: mail(from_email="bounce@acme.example", headers={"From": "hello@acme.example"}),
            "Return-Path",
            id="Return-Path",
        ),
        pytest.param(lambda: mail(headers={"DKIM-Signature": "x"}), "DKIM-Signature", id="DKIM-Signature header"),
        pytest.param(lambda: mail(headers={"Cc": "list@acme.example"}), "custom Cc header", id="Cc header"),
        pytest.param(
            lambda: mail(bcc=[f"{number}@example.com" for number in range(1001)]), "1001 email addresses", id="1001 bcc"
        ),
        pytest.param(
            lambda: mail(cc=[f"{number}@example.com" for number in range(1000)]), "more than 1000", id="1001 recipients"
        ),
        pytest.param(lambda: with_attributes(tags=[str(number) for number in range(11)]), "tags", id="11 tags"),
        pytest.param(lambda: with_attributes(tags=["x" * 256]), "tags", id="long tag"),
        pytest.param(lambda: with_attributes(metadata={"key": "x" * 10_000}), "metadata", id="long metadata"),
        pytest.param(oversized_message, "bytes", id="large attachment"),
    ],
)
def test_unsupported_message_is_refused_before_any_call(provider_api, make_message, feature):
    with pytest.raises(UnsupportedFeature, match=f"^sendgrid doesn't support .*{feature}"):
        backend("sendgrid", provider_api).send_messages([make_message()])
    assert provider_api.calls == 0
