"""Text, HTML, and further alternatives, as they arrive at each provider."""

from typing import Any

import pytest
from django.utils.translation import gettext_lazy

from emails.tests.support.captured import REFUSED, html_of, payload_or_refused, text_of
from emails.tests.support.messages import mail, sent


@pytest.mark.parametrize(
    ("message", "text", "html"),
    [
        (lambda: mail(), "Hello there.", None),
        (lambda: mail("<p>Hi</p>", body=""), "", "<p>Hi</p>"),
        (lambda: mail("<p>Hi</p>"), "Hello there.", "<p>Hi</p>"),
        (lambda: html_body("<p>Hi</p>"), "", "<p>Hi</p>"),
        (lambda: html_body("<p>Hi</p>", text="Hello"), "Hello", "<p>Hi</p>"),
    ],
)
def test_text_and_html_arrive_in_every_combination(provider_api, provider, message, text, html):
    payload = sent(provider, provider_api, message())
    if provider == "sequenzy":  # HTML only: text becomes HTML
        assert html_of(provider, payload) == (html or "<div>Hello there.</div>")
        return
    assert html_of(provider, payload) == html
    # Without a text, Resend would generate one from the HTML; SendGrid refuses an empty text.
    assert text_of(provider, payload) == (text if provider == "resend" else text or None)


def html_body(html: str, text: str = "") -> Any:
    message = mail(body=html)
    message.content_subtype = "html"
    if text:
        message.attach_alternative(text, "text/plain")
    return message


@pytest.mark.parametrize("content_type", ["text/html", "text/x-amp-html", "text/calendar", "text/markdown"])
def test_further_alternative_arrives_only_through_sendgrid(provider_api, provider, content_type):
    message = mail("<p>Hi</p>")
    message.attach_alternative("BEGIN:VCALENDAR", content_type)
    result = payload_or_refused(provider, provider_api, message)
    if provider == "sendgrid":
        assert result["content"][-1] == {"type": content_type, "value": "BEGIN:VCALENDAR"}
    else:
        assert result == REFUSED


def test_empty_body_is_refused(provider_api, provider):
    assert payload_or_refused(provider, provider_api, mail(body="")) == REFUSED


def test_empty_subject_arrives_only_through_resend(provider_api, provider):
    result = payload_or_refused(provider, provider_api, mail(subject=""))
    assert result["subject"] == "" if provider == "resend" else result == REFUSED


def test_lazy_strings_are_accepted_everywhere(provider_api, provider):
    lazy = gettext_lazy("Yes")
    message = mail("<p>Yes</p>", subject=lazy, body=lazy, from_email=gettext_lazy("Acme <hello@acme.example>"))
    message.tags, message.metadata = [lazy], {"answer": lazy}
    payload = sent(provider, provider_api, message)
    assert payload["subject"] == "Yes"
