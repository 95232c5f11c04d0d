"""Resend's payload, and the messages that Resend can't carry."""

import pytest

from emails.backends import ResendBackend
from emails.errors import UnsupportedFeature
from emails.tests.support.messages import backend, mail, sent
from emails.tests.test_message import inline_image
from emails.tests.test_sequenzy import with_alternative


def test_payload_is_complete(provider_api):
    message = mail(
        html='<img src="cid:logo">',
        to=["Lovelace, Ada 🎉 <ada@bücher.example>"],
        cc=["bob@example.com"],
        bcc=["c@example.com"],
        reply_to=["a@acme.example", "b@acme.example"],
        headers={"X-Number": 3},
    )
    message.tags = ["welcome", "not fitting!"]
    message.attachments.append(inline_image())
    payload = sent("resend", provider_api, message)
    tags = payload.pop("tags")
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
            {"filename": "logo.png", "content": "UE5H", "content_type": "image/png", "content_id": "logo"},
        ],
    }
    assert [tag["name"] for tag in tags] == ["welcome", "message_id"]


def test_html_only_message_has_empty_text(provider_api):
    message = mail(body="", html="<p>Hi</p>")
    assert sent("resend", provider_api, message)["text"] == ""


def test_text_only_message_has_no_html(provider_api):
    assert "html" not in sent("resend", provider_api, mail())


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.pdf", "application/pdf"),
        ("a.xml", "application/xml"),
        ("a.jpg", "image/jpg"),
        ("README", "text/plain"),
        ("a.unknown-kind", "application/octet-stream"),
        ("", "application/pdf"),
    ],
)
def test_attachment_with_matching_name_and_type_is_accepted(provider_api, name, content_type):
    message = mail()
    message.attach(name, b"x", content_type)
    assert sent("resend", provider_api, message)["attachments"][0]["filename"]


def mismatched():
    message = mail()
    message.attach("invoice.pdf", b"x", "image/png")
    return message


def heavy():
    message = mail()
    message.attach("a.bin", b"x" * 30_000_001, "application/octet-stream")
    return message


@pytest.mark.parametrize(
    ("message", "feature"),
    [
        (with_alternative("text/calendar"), "text/calendar"),
        (with_alternative("text/html"), "two HTML"),
        (mail(to=[], bcc=["a@example.com"]), "without `to`"),
        (mail(to=["jürgen@example.com"]), "jürgen"),
        (mail(from_email="jürgen@acme.example"), "jürgen"),
        (mail(from_email="bounce@acme.example", headers={"From": "hello@acme.example"}), "Return-Path"),
        (mail(headers={"To": "list@acme.example"}), "header To"),
        (mail(headers={"Content-Type": "text/plain"}), "header Content-Type"),
        (mail(cc=[f"{number}@example.com" for number in range(51)]), "51 addresses"),
        (mail(body=""), "empty body"),
        (mismatched(), "invoice.pdf"),
        (heavy(), "bytes"),
    ],
)
def test_unsupported_message_is_refused_before_any_call(provider_api, message, feature):
    with pytest.raises(UnsupportedFeature, match=f"^resend cannot carry .*{feature}"):
        backend("resend", provider_api).send_messages([message])
    assert provider_api.calls == 0


def test_idempotency_key_lives_for_a_day():
    assert ResendBackend.key_lifetime.days == 1
