"""The Sequenzy backend: the JSON that it sends, and the messages that it refuses because Sequenzy can't carry them.

Sequenzy documents the format at https://docs.sequenzy.com/api-reference (POST /transactional/send).

``provider_api`` is a local HTTP server that responds as Sequenzy's API does. ``mail()`` builds a message to
ada@example.com, and ``sent()`` sends a message to that server and returns the JSON that arrived.
"""

import pytest

from emails.backends import SequenzyBackend
from emails.errors import UnsupportedFeature
from emails.tests.support.messages import backend, mail, sent, with_alternative
from emails.tests.support.provider_rules import Reply


def test_payload_is_complete(provider_api):
    message = mail(
        html='<img src="cid:logo">',
        to=["Ada <ada@example.com>"],
        cc=["Bob <bob@example.com>"],
        bcc=["c@example.com"],
        reply_to=["Help <help@acme.example>"],
    )
    message.sensitive = True
    message.attach("a.txt", "Hi", "text/plain")
    # Sequenzy has one body, which is HTML. It takes recipients without names.
    assert sent("sequenzy", provider_api, message) == {
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


def test_text_only_message_becomes_equivalent_html(provider_api):
    text = "Hi <Ada>,\r\nsee https://acme.example/a?b=1&c=2.\n\nBye"
    assert sent("sequenzy", provider_api, mail(body=text))["body"] == (
        "<div>Hi &lt;Ada&gt;,<br>\n"
        'see <a href="https://acme.example/a?b=1&amp;c=2">https://acme.example/a?b=1&amp;c=2</a>.<br>\n<br>\nBye</div>'
    )


def test_placeholders_in_user_text_stay_literal(provider_api):
    """Sequenzy replaces {{…}} with the recipient's data, so text from users must not contain two braces in a row."""
    payload = sent(
        "sequenzy",
        provider_api,
        mail(subject="{{{EMAIL}}}", html="<p>{{{FIRST_NAME}}}</p>", from_email="{{x}} <a@b.example>"),
    )
    assert payload["body"] == "<p>&#123;&#123;{FIRST_NAME}}}</p>"
    assert "{{" not in payload["subject"] + payload["from"]
    assert payload["subject"].replace("\u200b", "") == "{{{EMAIL}}}"


def test_strict_sender_names_a_profile(provider_api, settings):
    """Sequenzy silently replaces a ``from`` with an unverified domain, but refuses an unknown sender profile."""
    settings.SEQUENZY_STRICT_SENDER = True
    payload = sent("sequenzy", provider_api, mail())
    assert (payload["fromEmail"], payload["fromName"]) == ("hello@acme.example", "Acme")
    assert "from" not in payload


def test_configured_headers_are_dropped(provider_api, settings):
    settings.SEQUENZY_DROPPED_HEADERS = ["Auto-Submitted"]
    assert "headers" not in sent("sequenzy", provider_api, mail(headers={"auto-submitted": "auto-generated"}))


def test_message_id_is_the_one_events_carry(provider_api):
    """Sequenzy's response contains two IDs, and its webhooks name emails by ``emailSendId`` only."""
    message = mail()
    provider_api.faults = [Reply(200, {"success": True, "emailSendId": "send_1", "jobId": "job_1"})]
    assert backend("sequenzy", provider_api).send_messages([message]) == 1
    assert message.provider_message_id == "send_1"


def with_attachments(files, size=1):
    """Return a message with that number of files of ``size`` bytes each."""
    message = mail()
    for number in range(files):
        message.attach(f"{number}.bin", b"x" * size, "application/octet-stream")
    return message


@pytest.mark.parametrize(
    ("make_message", "feature"),
    [
        pytest.param(lambda: with_alternative("text/calendar"), "text/calendar", id="calendar"),
        pytest.param(lambda: with_alternative("text/html"), "two HTML", id="second HTML"),
        pytest.param(
            lambda: mail(headers={"List-Unsubscribe": "<https://acme.example>"}),
            "List-Unsubscribe",
            id="List-Unsubscribe",
        ),
        pytest.param(lambda: mail(headers={"Message-ID": "<a@b>"}), "Message-ID", id="Message-ID"),
        pytest.param(lambda: mail(reply_to=["a@example.com", "b@example.com"]), "reply_to", id="two reply_to"),
        pytest.param(
            lambda: mail(from_email="bounce@acme.example", headers={"From": "hello@acme.example"}),
            "Return-Path",
            id="Return-Path",
        ),
        pytest.param(lambda: mail(to=[], cc=["a@example.com"]), "without `to`", id="no to"),
        pytest.param(
            lambda: mail(to=[f"{number}@example.com" for number in range(51)]), "51 email addresses", id="51 to"
        ),
        pytest.param(
            lambda: mail(bcc=[f"{number}@example.com" for number in range(51)]), "51 email addresses", id="51 bcc"
        ),
        pytest.param(lambda: with_attachments(11), "11 attachments", id="11 attachments"),
        pytest.param(lambda: with_attachments(1, 7_000_001), "7 MB", id="large attachment"),
        pytest.param(lambda: mail(subject=""), "empty subject", id="empty subject"),
        pytest.param(lambda: mail(body=""), "empty body", id="empty body"),
        pytest.param(lambda: mail(to=["jürgen@example.com"]), "jürgen", id="non-ASCII mailbox"),
    ],
)
def test_unsupported_message_is_refused_before_any_call(provider_api, make_message, feature):
    with pytest.raises(UnsupportedFeature, match=f"^sequenzy doesn't support .*{feature}"):
        backend("sequenzy", provider_api).send_messages([make_message()])
    assert provider_api.calls == 0


def test_idempotency_key_lives_for_two_weeks():
    assert SequenzyBackend.key_lifetime.days == 14
