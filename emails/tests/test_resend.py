import pytest

from emails.backends import ResendBackend
from emails.errors import UnsupportedFeature
from emails.tests.support.messages import backend, mail, sent
from emails.tests.test_message import inline_image
from emails.tests.test_sequenzy import with_alternative


def test_the_whole_payload(api):
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
    payload = sent("resend", api, message)
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


def test_no_text_is_made_from_html(api):
    message = mail(body="", html="<p>Hi</p>")
    assert sent("resend", api, message)["text"] == ""


def test_text_alone_has_no_html(api):
    assert "html" not in sent("resend", api, mail())


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
def test_files_whose_name_and_type_agree_go_out(api, name, content_type):
    message = mail()
    message.attach(name, b"x", content_type)
    assert sent("resend", api, message)["attachments"][0]["filename"]


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
        (mail(headers={"To": "list@acme.example"}), "custom To header"),
        (mail(headers={"Content-Type": "text/plain"}), "custom Content-Type header"),
        (mail(cc=[f"{number}@example.com" for number in range(51)]), "51 email addresses"),
        (mail(body=""), "empty body"),
        (mismatched(), "invoice.pdf"),
        (heavy(), "bytes"),
    ],
)
def test_what_it_cannot_carry_is_refused_before_any_call(api, message, feature):
    with pytest.raises(UnsupportedFeature, match=f"^resend doesn't support .*{feature}"):
        backend("resend", api).send_messages([message])
    assert api.calls == 0


def test_a_key_is_remembered_for_a_day():
    assert ResendBackend.key_lifetime.days == 1
