import pytest

from emails.backends import SequenzyBackend
from emails.errors import UnsupportedFeature
from emails.tests.support.messages import backend, mail, sent
from emails.tests.support.provider_rules import Reply


def test_the_whole_payload(api):
    message = mail(
        html='<img src="cid:logo">',
        to=["Ada <ada@example.com>"],
        cc=["Bob <bob@example.com>"],
        bcc=["c@example.com"],
        reply_to=["Help <help@acme.example>"],
    )
    message.sensitive = True
    message.attach("a.txt", "Hi", "text/plain")
    assert sent("sequenzy", api, message) == {
        "to": ["ada@example.com"],
        "subject": "Hello",
        "body": '<img src="cid:logo">',
        "from": "Acme <hello@acme.example>",
        "cc": ["bob@example.com"],
        "bcc": ["c@example.com"],
        "replyTo": "Help <help@acme.example>",
        "attachments": [{"filename": "a.txt", "content": "SGk=", "contentType": "text/plain"}],
        "trackingSettings": {"clickTracking": False, "openTracking": False},
    }


def test_text_alone_becomes_html_that_looks_the_same(api):
    text = "Hi <Ada>,\r\nsee https://acme.example/a?b=1&c=2.\n\nBye"
    assert sent("sequenzy", api, mail(body=text))["body"] == (
        "<div>Hi &lt;Ada&gt;,<br>\n"
        'see <a href="https://acme.example/a?b=1&amp;c=2">https://acme.example/a?b=1&amp;c=2</a>.<br>\n<br>\nBye</div>'
    )


def test_placeholders_in_what_people_typed_stay_literal(api):
    payload = sent(
        "sequenzy", api, mail(subject="{{{EMAIL}}}", html="<p>{{{FIRST_NAME}}}</p>", from_email="{{x}} <a@b.example>")
    )
    assert payload["body"] == "<p>&#123;&#123;{FIRST_NAME}}}</p>"
    assert "{{" not in payload["subject"] + payload["from"]
    assert payload["subject"].replace("\u200b", "") == "{{{EMAIL}}}"


def test_strict_mode_names_a_sender_profile(api, settings):
    settings.SEQUENZY_STRICT_SENDER = True
    payload = sent("sequenzy", api, mail())
    assert (payload["fromEmail"], payload["fromName"]) == ("hello@acme.example", "Acme")
    assert "from" not in payload


def test_listed_headers_may_get_lost(api, settings):
    settings.SEQUENZY_DROPPED_HEADERS = ["Auto-Submitted"]
    assert "headers" not in sent("sequenzy", api, mail(headers={"auto-submitted": "auto-generated"}))


def test_the_id_is_the_one_that_events_carry(api):
    message = mail()
    api.faults = [Reply(200, {"success": True, "emailSendId": "send_1", "jobId": "job_1"})]
    assert backend("sequenzy", api).send_messages([message]) == 1
    assert message.provider_message_id == "send_1"


def attached(files, size=1):
    message = mail()
    for number in range(files):
        message.attach(f"{number}.bin", b"x" * size, "application/octet-stream")
    return message


def with_alternative(content_type):
    message = mail(html="<p>Hi</p>")
    message.attach_alternative("x", content_type)
    return message


@pytest.mark.parametrize(
    ("message", "feature"),
    [
        (with_alternative("text/calendar"), "text/calendar"),
        (with_alternative("text/html"), "two HTML"),
        (mail(headers={"List-Unsubscribe": "<https://acme.example>"}), "List-Unsubscribe"),
        (mail(headers={"Message-ID": "<a@b>"}), "Message-ID"),
        (mail(reply_to=["a@example.com", "b@example.com"]), "reply_to"),
        (mail(from_email="bounce@acme.example", headers={"From": "hello@acme.example"}), "Return-Path"),
        (mail(to=[], cc=["a@example.com"]), "without `to`"),
        (mail(to=[f"{number}@example.com" for number in range(51)]), "51 email addresses"),
        (mail(bcc=[f"{number}@example.com" for number in range(51)]), "51 email addresses"),
        (attached(11), "11 attachments"),
        (attached(1, 7_000_001), "7 MB"),
        (mail(subject=""), "empty subject"),
        (mail(body=""), "empty body"),
        (mail(to=["jürgen@example.com"]), "jürgen"),
    ],
)
def test_what_it_cannot_carry_is_refused_before_any_call(api, message, feature):
    with pytest.raises(UnsupportedFeature, match=f"^sequenzy doesn't support .*{feature}"):
        backend("sequenzy", api).send_messages([message])
    assert api.calls == 0


def test_a_key_is_remembered_for_two_weeks():
    assert SequenzyBackend.key_lifetime.days == 14
