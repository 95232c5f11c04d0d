"""Hard cases at all three providers: line breaks, NUL, half characters, placeholders, tracked links."""

from typing import Any

import pytest

from emails.tests.support.captured import REFUSED, payload_or_refused
from emails.tests.support.messages import mail, sent

EVIL = ["a\nb", "a\r\nBcc: evil@example.com", "a\x00b", "a\ud800b", "a\x0bb"]
FIELDS = {
    "subject": lambda evil: mail(subject=evil),
    "from_email": lambda evil: mail(from_email=f"{evil} <hello@acme.example>"),
    "to": lambda evil: mail(to=[f"{evil} <ada@example.com>"]),
    "cc": lambda evil: mail(cc=[f"bob{evil}@example.com"]),
    "bcc": lambda evil: mail(bcc=[f"bob@example.com{evil}"]),
    "reply_to": lambda evil: mail(reply_to=[f"{evil} <ada@example.com>"]),
    "header name": lambda evil: mail(headers={f"X-{evil}": "x"}),
    "header": lambda evil: mail(headers={"X-Header": evil}),
    "attachment name": lambda evil: mail(attachments=[(f"{evil}.txt", "x", "text/plain")]),
    "attachment type": lambda evil: mail(attachments=[("a.txt", "x", f"text/{evil}")]),
}


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("field", FIELDS)
def test_unsafe_characters_are_refused_in_every_field(provider_api, provider, field, evil):
    assert payload_or_refused(provider, provider_api, FIELDS[field](evil)) == REFUSED


@pytest.mark.parametrize("evil", ["a\x00b", "a\ud800b", "a\x08b"])
@pytest.mark.parametrize("message", [lambda evil: mail(body=evil), lambda evil: mail(f"<p>{evil}</p>")])
def test_control_characters_are_refused_in_bodies(provider_api, provider, message, evil):
    assert payload_or_refused(provider, provider_api, message(evil)) == REFUSED


def test_sequenzy_placeholders_are_never_filled(provider_api):
    """The stand-in refuses what would reach the template engine."""
    evil = "{{ EMAIL }} {{{FIRST_NAME}}} {{{{"
    for message in (mail(f"<p>{evil}</p>"), mail(body=evil)):
        message.subject = evil
        message.from_email = f"{evil} <hello@acme.example>"
        message.reply_to = [f"{evil} <reply@acme.example>"]
        assert "{{" not in str(sent("sequenzy", provider_api, message))


def test_sensitive_email_is_not_tracked(provider_api, provider):
    message = mail("<a href='https://app.example.com/reset?token=x'>Reset</a>")
    message.sensitive = True
    payload = sent(provider, provider_api, message)
    off: dict[str, dict[str, Any]] = {
        "sequenzy": {"trackingSettings": {"clickTracking": False, "openTracking": False}},
        "sendgrid": {
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
            }
        },
        "resend": {},  # a setting of the sending domain
    }
    assert off[provider].items() <= payload.items()
