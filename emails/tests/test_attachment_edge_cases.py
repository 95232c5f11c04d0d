"""Attachments in every form, as they arrive at each provider."""

from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.message import MIMEMessage
from email.mime.text import MIMEText

import pytest
from django.core.mail import EmailAttachment, EmailMessage
from django.utils.functional import lazystr

from emails.tests.support.captured import REFUSED, attachments_of, payload_or_refused
from emails.tests.support.messages import mail, sent

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def inline_image() -> MIMEBase:
    image = MIMEImage(PNG, "png", name="logo.png")
    image.add_header("Content-ID", "<logo@acme>")
    image.add_header("Content-Disposition", "inline", filename="logo.png")
    return image


@pytest.mark.parametrize(
    ("attachment", "name", "content", "content_type"),
    [
        (("a.txt", "Grüße", "text/plain"), "a.txt", "Grüße".encode(), "text/plain"),
        (("a.txt", "Grüße".encode(), "text/plain"), "a.txt", "Grüße".encode(), "text/plain"),
        (("a.png", PNG, None), "a.png", PNG, "image/png"),
        (EmailAttachment("a.txt", "Grüße", "text/plain"), "a.txt", "Grüße".encode(), "text/plain"),
        (("a.txt", lazystr("Grüße"), "text/plain"), "a.txt", "Grüße".encode(), "text/plain"),
        (("a.txt", "Grüße"), "a.txt", "Grüße".encode(), "text/plain"),
        (("a", PNG, None), "a", PNG, "application/octet-stream"),
        ((None, PNG, "image/png"), "attachment.png", PNG, "image/png"),
        (MIMEText("Grüße", "plain", "utf-8"), "attachment.txt", "Grüße".encode(), "text/plain"),
        (("ü.pdf", b"%PDF", "application/pdf"), "ü.pdf", b"%PDF", "application/pdf"),
    ],
)
def test_attachment_arrives_in_every_form(provider_api, provider, attachment, name, content, content_type):
    message = mail()
    if isinstance(attachment, MIMEBase):
        message.attach(attachment)
    else:
        message.attachments = [attachment]
    if provider == "resend" and content_type.startswith("text/"):  # only Resend accepts parameters
        content_type += '; charset="utf-8"'
    assert attachments_of(provider, sent(provider, provider_api, message)) == [(name, content, content_type, "")]


def test_empty_attachment_arrives_unless_sendgrid(provider_api, provider):
    result = payload_or_refused(provider, provider_api, mail(attachments=[("a.bin", b"", "application/octet-stream")]))
    if provider == "sendgrid":  # SendGrid refuses empty strings
        assert result == REFUSED
    else:
        assert attachments_of(provider, result) == [("a.bin", b"", "application/octet-stream", "")]


@pytest.mark.parametrize("form", ["message", "mime"])
def test_attached_message_arrives(provider_api, provider, form):
    enclosed = EmailMessage("Inside", "Enclosed.", "a@example.com", ["b@example.com"])
    message = mail()
    if form == "message":
        message.attach("inside.eml", enclosed, "message/rfc822")
    else:
        message.attach(MIMEMessage(enclosed.message()))
    [(name, content, content_type, _)] = attachments_of(provider, sent(provider, provider_api, message))
    assert (name.endswith(".eml"), content_type) == (True, "message/rfc822")
    assert b"Subject: Inside" in content


def test_inline_image_arrives_with_its_content_id(provider_api, provider):
    message = mail('<img src="cid:logo@acme">')
    message.attach(inline_image())
    payload = sent(provider, provider_api, message)
    assert attachments_of(provider, payload) == [("logo.png", PNG, "image/png", "logo@acme")]
    if provider == "sendgrid":
        assert payload["attachments"][0]["disposition"] == "inline"


def test_long_content_id_is_refused_by_resend_only(provider_api, provider):
    image = MIMEImage(PNG, "png", name="logo.png")
    image.add_header("Content-ID", f"<{'x' * 128}>")
    message = mail()
    message.attach(image)
    assert (payload_or_refused(provider, provider_api, message) == REFUSED) is (
        provider == "resend"
    )  # takes less than 128 characters


def test_mismatched_name_and_type_are_refused_by_resend_only(provider_api, provider):
    message = mail()
    message.attach("a.pdf", PNG, "image/png")
    result = payload_or_refused(provider, provider_api, message)
    if provider == "resend":  # Resend accepts it and never delivers it
        assert result == REFUSED
    else:
        assert attachments_of(provider, result)[0][:3] == ("a.pdf", PNG, "image/png")


@pytest.mark.parametrize(
    ("provider", "size"), [("sequenzy", 7_000_001), ("resend", 31_000_000), ("sendgrid", 23_000_000)]
)
def test_too_large_attachment_is_refused(provider_api, provider, size):
    message = mail()
    message.attach("a.bin", bytes(size), "application/octet-stream")
    assert payload_or_refused(provider, provider_api, message) == REFUSED


def test_sequenzy_accepts_ten_attachments(provider_api):
    message = mail()
    for number in range(11):
        message.attach(f"{number}.txt", "x", "text/plain")
        assert (payload_or_refused("sequenzy", provider_api, message) == REFUSED) is (number == 10)
