"""Conversion of a Django message into ``Message``, the form that all backends share, and back.

``mail()`` builds a Django message to ada@example.com with other fields on request, and ``converted()`` converts it.
"""

import email.message
import json
import uuid
from email.mime.base import MIMEBase
from email.mime.text import MIMEText

import pytest
from django.core.mail import BadHeaderError, EmailMessage, EmailMultiAlternatives
from django.utils.translation import gettext_lazy

from emails.errors import InvalidHeader, InvalidMessage
from emails.message import Address, Alternative, Attachment, Message
from emails.tests.support.messages import full_message, inline_image, mail

ID = uuid.UUID(int=1)


def converted(message):
    return Message.from_django(message, ID)


def test_every_field_is_converted():
    message = mail(
        html="<p>Hi</p>",
        subject=gettext_lazy("Hello"),
        to=["Ada <ada@example.com>", "", None],  # Django skips empty recipients
        cc=["b@example.com", "ADA@example.com"],  # ADA@ is a repetition of a recipient in `to`
        bcc=["c@example.com"],
        reply_to=["r@example.com"],
        headers={"X-Number": 3, "X-Lazy": gettext_lazy("Yes"), "X-None": None},
    )
    message.tags = ["welcome"]
    message.metadata = {"user_id": 7}
    neutral = converted(message)
    assert neutral.subject == "Hello"
    assert neutral.from_email == Address("Acme", "hello@acme.example")
    assert neutral.to == (Address("Ada", "ada@example.com"),)
    assert neutral.cc == (Address("", "b@example.com"),)
    assert neutral.bcc == (Address("", "c@example.com"),)
    assert neutral.reply_to == (Address("", "r@example.com"),)
    assert (neutral.text, neutral.html) == ("Hello there.", "<p>Hi</p>")
    assert neutral.headers == (("X-Number", "3"), ("X-Lazy", "Yes"))
    assert neutral.tags == ("welcome",)
    assert neutral.metadata == (("user_id", "7"),)
    assert neutral.track is True


def test_sensitive_email_is_not_tracked():
    message = mail()
    message.sensitive = True
    assert converted(message).track is False


@pytest.mark.parametrize("field", ["subject", "from_email", "to", "cc", "reply_to", "headers"])
@pytest.mark.parametrize("unsafe", ["a@example.com\nBcc: b@example.com", "a\r@example.com", "a\x00@example.com"])
def test_header_injection_is_refused(field, unsafe):
    value = {"headers": {"X-Evil": unsafe}, "subject": unsafe, "from_email": unsafe}.get(field, [unsafe])
    with pytest.raises(InvalidHeader) as caught:
        converted(mail(**{field: value}))
    assert isinstance(caught.value, BadHeaderError)


@pytest.mark.parametrize("name", ["X Space", "X:Colon", "", "X-Ünicode", "X\nY"])
def test_header_name_must_be_a_token(name):
    """RFC 5322 allows printable ASCII characters except the colon, and no space."""
    with pytest.raises(InvalidHeader):
        converted(mail(headers={name: "x"}))


@pytest.mark.parametrize(
    "unsafe",
    [
        pytest.param("\x00", id="NUL"),  # PostgreSQL can't store it
        pytest.param("\x0b", id="vertical tab"),
        pytest.param("\x1b", id="escape"),
        pytest.param("\ud83d", id="lone surrogate"),  # UTF-8 can't encode it
    ],
)
@pytest.mark.parametrize("field", ["body", "html"])
def test_control_characters_in_body_are_refused(field, unsafe):
    with pytest.raises(InvalidMessage):
        converted(mail(**{field: f"Hello {unsafe} there"}))


def test_lone_surrogate_in_header_is_refused():
    with pytest.raises(InvalidMessage):
        converted(mail(subject="Hello \ud83d"))


def test_ordinary_text_is_accepted():
    # An emoji of three code points, text from right to left, and a line separator are unusual, but people use them.
    text = "Tab\t, lines\r\n\n, \x7f, 👩‍🚀, עברית, \u2028"
    assert converted(mail(body=text, html=text)).text == text


@pytest.mark.parametrize("to", [[], [""], [None]])
def test_message_needs_a_recipient(to):
    with pytest.raises(InvalidMessage, match="no recipient"):
        converted(mail(to=to))


def test_recipients_given_as_string_are_refused():
    message = mail()
    message.to = "ada@example.com"  # Python would iterate over its letters
    with pytest.raises(InvalidMessage, match="list"):
        converted(message)


def test_html_subtype_makes_body_html():
    message = EmailMessage("Hello", "<p>Hi</p>", to=["ada@example.com"])
    message.content_subtype = "html"
    assert (converted(message).text, converted(message).html) == ("", "<p>Hi</p>")


def test_other_alternatives_keep_their_type():
    message = mail(html="<p>one</p>")
    message.attach_alternative("<p>two</p>", "text/html")
    message.attach_alternative(b"BEGIN:VCALENDAR", "text/calendar")
    neutral = converted(message)
    assert neutral.html == "<p>one</p>"
    assert neutral.alternatives == (
        Alternative("<p>two</p>", "text/html"),
        Alternative("BEGIN:VCALENDAR", "text/calendar"),
    )


def test_from_and_reply_to_headers_override_fields():
    headers = {"From": "Shop <shop@acme.example>", "Reply-To": "help@acme.example", "To": "list@acme.example"}
    neutral = converted(mail(headers=headers, reply_to=["ignored@acme.example"]))
    assert neutral.from_email == Address("Shop", "shop@acme.example")
    assert neutral.reply_to == (Address("", "help@acme.example"),)
    assert neutral.to == (Address("", "ada@example.com"),)
    assert dict(neutral.headers) == {"To": "list@acme.example", "Return-Path": "hello@acme.example"}
    django = neutral.to_django().message()
    assert (django["From"], django["To"]) == ("Shop <shop@acme.example>", "list@acme.example")
    assert neutral.to_django().from_email == "hello@acme.example"


@pytest.mark.parametrize("header", ["Subject", "bcc"])
def test_subject_and_bcc_headers_are_refused(header):
    with pytest.raises(InvalidMessage):
        converted(mail(headers={header: "x"}))


@pytest.mark.parametrize("attribute", ["send_at", "template_id", "merge_data", "esp_extra"])
def test_unsupported_attribute_is_refused(attribute):
    message = mail()
    setattr(message, attribute, "something")
    with pytest.raises(InvalidMessage, match=attribute):
        converted(message)


def test_message_with_custom_mime_is_refused():
    """A subclass that builds its own MIME message, for example to sign it, would lose its work in the conversion."""

    class Signed(EmailMultiAlternatives):
        def message(self, **kwargs):
            return email.message.Message()

    with pytest.raises(InvalidMessage, match="Signed"):
        converted(Signed(to=["ada@example.com"]))


def forwarded_email():
    """Return a message of the standard library, as a program would attach it to forward an email."""
    enclosed = email.message.EmailMessage()
    enclosed["Subject"] = "Inside"
    enclosed.set_content("Hello")
    return enclosed


@pytest.mark.parametrize(
    ("attachment", "expected"),
    [
        (("a.txt", "Grüße", "text/plain"), Attachment("a.txt", "Grüße".encode(), "text/plain")),
        (("a.pdf", b"%PDF", None), Attachment("a.pdf", b"%PDF", "application/pdf")),
        (("a.pdf", b"%PDF"), Attachment("a.pdf", b"%PDF", "application/pdf")),
        ((None, b"x", None), Attachment("attachment.bin", b"x", "application/octet-stream")),
        (("", "x", "text/plain; charset=ascii"), Attachment("attachment.txt", b"x", "text/plain")),
        # These bytes are not UTF-8, so Django sends them as application/octet-stream, too.
        (("a.csv", b"\xff", "text/csv"), Attachment("a.csv", b"\xff", "application/octet-stream")),
        (MIMEText("Grüße", _charset="latin-1"), Attachment("attachment.txt", "Grüße".encode(), "text/plain")),
        (inline_image(), Attachment("logo.png", b"PNG", "image/png", "logo")),
    ],
)
def test_attachment_is_converted_in_every_form(attachment, expected):
    message = mail()
    message.attachments = [attachment]
    [file] = converted(message).attachments
    assert Attachment(file.filename, file.content, file.content_type, file.content_id) == expected


@pytest.mark.parametrize("enclosed", [forwarded_email(), mail(subject="Inside"), b"Subject: Inside\n\nHello"])
def test_attached_message_is_converted(enclosed):
    message = mail()
    message.attach("inside.eml", enclosed, "message/rfc822")
    [attachment] = converted(message).attachments
    assert (attachment.filename, attachment.content_type) == ("inside.eml", "message/rfc822")
    assert b"Subject: Inside" in attachment.content
    assert "Subject: Inside" in converted(message).to_django().message().as_string()


@pytest.mark.parametrize("bad", ["a string", 7, ("only-name",), ("a", object(), "text/plain"), ("a", b"", "no type")])
def test_invalid_attachment_is_refused(bad):
    message = mail()
    message.attachments = [bad]
    with pytest.raises(InvalidMessage):
        converted(message)


def test_multipart_attachment_is_refused():
    message = mail()
    part = MIMEBase("multipart", "mixed")
    part.attach(MIMEText("x"))
    message.attachments = [part]
    with pytest.raises(InvalidMessage, match="one by one"):
        converted(message)


def test_json_round_trip_loses_nothing():
    neutral = converted(full_message())
    assert Message.from_json(json.loads(json.dumps(neutral.to_json()))) == neutral


def test_django_round_trip_loses_nothing():
    neutral = converted(full_message())
    assert converted(neutral.to_django()) == neutral


def test_html_only_message_converts_back_as_html():
    message = EmailMessage("Hello", "<p>Hi</p>", "hello@acme.example", ["ada@example.com"])
    message.content_subtype = "html"
    assert converted(message).to_django().message().get_content_type() == "text/html"
