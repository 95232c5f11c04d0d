import uuid

import pytest

from emails.backends import SendGridBackend
from emails.errors import UnsupportedFeature
from emails.message import Message
from emails.tests.support.messages import backend, mail, sent
from emails.tests.test_message import inline_image
from emails.tests.test_resend import heavy
from emails.tests.test_sequenzy import with_alternative


def test_the_whole_payload(api):
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
    payload = sent("sendgrid", api, message)
    arguments = payload["personalizations"][0].pop("custom_args")
    assert payload == {
        "personalizations": [
            {
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
        "categories": ["welcome"],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }
    assert arguments["app_user_id"] == "7"
    assert uuid.UUID(arguments["app_message_id"])


def test_our_id_cannot_be_overwritten_by_metadata(api):
    message = mail()
    message.metadata = {"message_id": "theirs"}
    body = backend("sendgrid", api).serialize(Message.from_django(message, uuid.UUID(int=1)))
    assert str(uuid.UUID(int=1)).encode() in body
    assert b"theirs" not in body


@pytest.mark.parametrize("content_type", ["text/calendar", "text/html", "text/x-amp-html"])
def test_any_alternative_is_carried_last(api, content_type):
    kinds = [content["type"] for content in sent("sendgrid", api, with_alternative(content_type))["content"]]
    assert kinds == ["text/plain", "text/html", content_type]


def test_no_key_is_sent_since_none_is_known(api):
    assert SendGridBackend.key_lifetime is None
    sent("sendgrid", api, mail())
    assert "idempotency-key" not in api.last.headers


def with_attributes(**attributes):
    message = mail()
    vars(message).update(attributes)
    return message


@pytest.mark.parametrize(
    ("message", "feature"),
    [
        (mail(to=[], bcc=["a@example.com"]), "without `to`"),
        (mail(to=["jürgen@example.com"]), "jürgen"),
        (mail(subject=""), "empty subject"),
        (mail(body=""), "empty body"),
        (mail(from_email="bounce@acme.example", headers={"From": "hello@acme.example"}), "Return-Path"),
        (mail(headers={"DKIM-Signature": "x"}), "DKIM-Signature"),
        (mail(headers={"Cc": "list@acme.example"}), "custom Cc header"),
        (mail(bcc=[f"{number}@example.com" for number in range(1001)]), "1001 email addresses"),
        (mail(cc=[f"{number}@example.com" for number in range(1000)]), "more than 1000"),
        (with_attributes(tags=[str(number) for number in range(11)]), "tags"),
        (with_attributes(tags=["x" * 256]), "tags"),
        (with_attributes(metadata={"key": "x" * 10_000}), "metadata"),
        (heavy(), "bytes"),
    ],
)
def test_what_it_cannot_carry_is_refused_before_any_call(api, message, feature):
    with pytest.raises(UnsupportedFeature, match=f"^sendgrid doesn't support .*{feature}"):
        backend("sendgrid", api).send_messages([message])
    assert api.calls == 0
