"""The Resend backend: the JSON that it sends, and the messages that it refuses because Resend can't carry them.

Resend documents the format at https://resend.com/docs/api-reference/emails/send-email.

``provider_api`` is a local HTTP server that responds as Resend's API does. ``mail()`` builds a message to
ada@example.com, and ``sent()`` sends a message to that server and returns the JSON that arrived.
"""

import pytest

from emails.backends import ResendBackend
from emails.errors import UnsupportedFeature
from emails.tests.support.messages import backend, inline_image, mail, oversized_message, sent, with_alternative


def test_payload_is_complete(provider_api):
    message = mail(
        html='<img src="cid:logo">',
        to=["Lovelace, Ada 🎉 <ada@bücher.example>"],  # the comma needs quotes, and the domain needs IDNA encoding
        cc=["bob@example.com"],
        bcc=["c@example.com"],
        reply_to=["a@acme.example", "b@acme.example"],
        headers={"X-Number": 3},
    )
    message.tags = ["welcome", "not fitting!"]
    message.attachments.append(inline_image())
    payload = sent("resend", provider_api, message)
    tags = payload.pop("tags")  # checked below, because the value of message_id differs in each run
    assert payload == {
        "from": "Acme <hello@acme.example>",
        "to": ['"Lovelace, Ada 🎉" <ada@xn--bcher-kva.example>'],
        "subject": "Hello",
        "text": "Hello there.",
        "html": '<img src="cid:logo">',
        "cc": ["bob@example.com"],
        "bcc": ["c@example.com"],
        "reply_to": ["a@acme.example", "b@acme.example"],
        "headers": {"X-Number": "3"},
        "attachments": [
            # The content is base64 of b"PNG".
            {"filename": "logo.png", "content": "UE5H", "content_type": "image/png", "content_id": "logo"},
        ],
    }
    # Resend allows only ASCII letters, digits, "_", and "-" in a tag, so the backend drops "not fitting!". It adds our
    # own ID of the message, so that each event names it.
    assert [tag["name"] for tag in tags] == ["welcome", "message_id"]


def test_tags_that_are_left_out_are_logged(provider_api, caplog):
    message = mail()
    message.tags = ["spring sale", "welcome", "größe", "", "message_id"]
    tags = sent("resend", provider_api, message)["tags"]
    assert [tag["name"] for tag in tags] == ["welcome", "message_id"]
    [line] = [record.getMessage() for record in caplog.records if "tags" in record.getMessage()]
    assert all(repr(tag) in line for tag in ["spring sale", "größe", "", "message_id"])
    assert "'welcome'" not in line


def test_html_only_message_has_empty_text(provider_api):
    """Without the field, Resend would derive a text from the HTML."""
    message = mail(body="", html="<p>Hi</p>")
    assert sent("resend", provider_api, message)["text"] == ""


def test_text_only_message_has_no_html(provider_api):
    assert "html" not in sent("resend", provider_api, mail())


@pytest.mark.parametrize(
    ("name", "content_type", "arrives_as"),
    [
        ("a.pdf", "application/pdf", "a.pdf"),
        ("a.xml", "application/xml", "a.xml"),
        ("a.jpg", "image/jpg", "a.jpg"),  # a common wrong name of image/jpeg
        ("a.unknown-kind", "application/octet-stream", "a.unknown-kind"),
        ("", "application/pdf", "attachment.pdf"),  # Resend requires a name
    ],
)
def test_attachment_with_matching_name_and_type_is_accepted(provider_api, name, content_type, arrives_as):
    message = mail()
    message.attach(name, b"x", content_type)
    assert sent("resend", provider_api, message)["attachments"] == [
        {"filename": arrives_as, "content": "eA==", "content_type": content_type}
    ]


def mismatched_attachment():
    """Return a message with a PNG image that is named like a PDF file."""
    message = mail()
    message.attach("invoice.pdf", b"x", "image/png")
    return message


@pytest.mark.parametrize(
    ("make_message", "feature"),
    [
        pytest.param(lambda: with_alternative("text/calendar"), "text/calendar", id="calendar"),
        pytest.param(lambda: with_alternative("text/html"), "two HTML", id="second HTML"),
        pytest.param(lambda: mail(to=[], bcc=["a@example.com"]), "without `to`", id="no to"),
        pytest.param(lambda: mail(to=["jürgen@example.com"]), "jürgen", id="non-ASCII mailbox"),
        pytest.param(lambda: mail(from_email="jürgen@acme.example"), "jürgen", id="non-ASCII sender"),
        pytest.param(
            lambda: mail(from_email="bounce@acme.example", headers={"From": "hello@acme.example"}),
            "Return-Path",
            id="Return-Path",
        ),
        pytest.param(lambda: mail(headers={"To": "list@acme.example"}), "custom To header", id="To header"),
        pytest.param(
            lambda: mail(headers={"Content-Type": "text/plain"}), "custom Content-Type header", id="Content-Type header"
        ),
        pytest.param(
            lambda: mail(cc=[f"{number}@example.com" for number in range(51)]), "51 email addresses", id="51 cc"
        ),
        pytest.param(lambda: mail(body=""), "empty body", id="empty body"),
        pytest.param(mismatched_attachment, "invoice.pdf", id="mismatched attachment"),
        pytest.param(oversized_message, "bytes", id="large attachment"),
    ],
)
def test_unsupported_message_is_refused_before_any_call(provider_api, make_message, feature):
    with pytest.raises(UnsupportedFeature, match=f"^resend doesn't support .*{feature}"):
        backend("resend", provider_api).send_messages([make_message()])
    assert provider_api.calls == 0


def test_idempotency_key_lives_for_a_day():
    assert ResendBackend.key_lifetime.days == 1
