"""Line breaks, NUL, lone surrogates, placeholders, and link tracking at each provider."""

from typing import Any

import pytest

from emails.tests.support.captured import REFUSED, payload_or_refused
from emails.tests.support.messages import mail, sent

UNSAFE_TEXTS = ["a\nb", "a\r\nBcc: evil@example.com", "a\x00b", "a\ud800b", "a\x0bb"]
FIELDS = {
    "subject": lambda unsafe: mail(subject=unsafe),
    "from_email": lambda unsafe: mail(from_email=f"{unsafe} <hello@acme.example>"),
    "to": lambda unsafe: mail(to=[f"{unsafe} <ada@example.com>"]),
    "cc": lambda unsafe: mail(cc=[f"bob{unsafe}@example.com"]),
    "bcc": lambda unsafe: mail(bcc=[f"bob@example.com{unsafe}"]),
    "reply_to": lambda unsafe: mail(reply_to=[f"{unsafe} <ada@example.com>"]),
    "header name": lambda unsafe: mail(headers={f"X-{unsafe}": "x"}),
    "header": lambda unsafe: mail(headers={"X-Header": unsafe}),
    "attachment name": lambda unsafe: mail(attachments=[(f"{unsafe}.txt", "x", "text/plain")]),
    "attachment type": lambda unsafe: mail(attachments=[("a.txt", "x", f"text/{unsafe}")]),
}


@pytest.mark.parametrize("unsafe", UNSAFE_TEXTS)
@pytest.mark.parametrize("field", FIELDS)
def test_unsafe_characters_are_refused_in_every_field(provider_api, provider, field, unsafe):
    assert payload_or_refused(provider, provider_api, FIELDS[field](unsafe)) == REFUSED


@pytest.mark.parametrize("unsafe", ["a\x00b", "a\ud800b", "a\x08b"])
@pytest.mark.parametrize("message", [lambda unsafe: mail(body=unsafe), lambda unsafe: mail(f"<p>{unsafe}</p>")])
def test_control_characters_are_refused_in_bodies(provider_api, provider, message, unsafe):
    assert payload_or_refused(provider, provider_api, message(unsafe)) == REFUSED


def test_sequenzy_placeholders_are_never_filled(provider_api):
    """The stand-in refuses placeholders that would reach the template engine."""
    unsafe = "{{ EMAIL }} {{{FIRST_NAME}}} {{{{"
    for message in (mail(f"<p>{unsafe}</p>"), mail(body=unsafe)):
        message.subject = unsafe
        message.from_email = f"{unsafe} <hello@acme.example>"
        message.reply_to = [f"{unsafe} <reply@acme.example>"]
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
        "resend": {},  # Resend sets tracking per sending domain
    }
    assert off[provider].items() <= payload.items()
