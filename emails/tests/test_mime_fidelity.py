"""Messages over SMTP: after their trip through the outbox, they are what Django alone would send."""

from datetime import UTC, datetime
from email import charset
from uuid import UUID

import django
import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from emails.errors import InvalidMessage
from emails.message import Message
from emails.tests.support.messages import comparable, inline_image, mail, over_smtp, sent

CALENDAR = ("BEGIN:VCALENDAR", "text/calendar; method=REQUEST")
AMP = ("<!doctype html><html amp4email>", "text/x-amp-html")
HTML = ("<p>Hi</p>", "text/html")


def with_attributes(message=None, /, **attributes):
    message = message or mail()
    vars(message).update(attributes)
    return message


def quoted_printable():
    found = charset.Charset("utf-8")
    found.body_encoding = charset.QP
    return found


def html_with_image():
    message = mail("<img src='cid:logo'>")
    message.attach(inline_image())
    return message


# Django 6.0 removed these undocumented attributes.
ONLY_UP_TO_5_2 = {
    "related": lambda: with_attributes(html_with_image(), mixed_subtype="related"),
    "report": lambda: with_attributes(html_with_image(), mixed_subtype="report"),
    "other alternatives": lambda: with_attributes(mail("<p>Hi</p>"), alternative_subtype="related"),
    "charset object": lambda: with_attributes(mail(body="Größe"), encoding=quoted_printable()),
    "numbers": lambda: mail(headers={"X-Number": 3, "X-True": True}),
}
MESSAGES = {
    "text": lambda: mail(),
    "text and HTML": lambda: mail("<p>Hi</p>"),
    "HTML as body": lambda: with_attributes(content_subtype="html"),
    "another body": lambda: with_attributes(content_subtype="markdown"),
    "HTML without text": lambda: mail("<p>Hi</p>", body=""),
    "AMP before HTML": lambda: mail(alternatives=[AMP, HTML]),
    "calendar after HTML": lambda: mail(alternatives=[HTML, CALENDAR]),
    "calendar before HTML": lambda: mail(alternatives=[CALENDAR, HTML]),
    "HTML body and text": lambda: with_attributes(mail(alternatives=[("Hi", "text/plain")]), content_subtype="html"),
    "two HTML bodies": lambda: mail(alternatives=[HTML, ("<p>2</p>", "text/html")]),
    "HTML with a charset": lambda: mail(alternatives=[("<p>ü</p>", "text/html; charset=utf-8")]),
    "empty alternative": lambda: mail(alternatives=[("", "text/html"), CALENDAR]),
    "empty message": lambda: mail(body="", subject=""),
    "latin-1": lambda: with_attributes(mail("<p>ü</p>", subject="Grüße", body="Größe"), encoding="iso-8859-1"),
    "lazy": lambda: mail(subject=lazystr("Hi"), to=[lazystr("ada@example.com")], headers={"X-A": lazystr("1")}),
    "safe strings": lambda: mail(mark_safe("<p>Hi</p>"), subject=mark_safe("a & b")),
    "long lines": lambda: mail(body="ä" * 2000 + "\r\n.\r\nFrom me"),
    "Reply-To": lambda: mail(reply_to=["Ann <ann@acme.example>", "desk@acme.example"]),
    "Date and Message-ID": lambda: mail(headers={"Date": "Fri, 09 Nov 2001 01:08:47 -0000", "Message-ID": "foo"}),
    "To and Cc headers": lambda: mail(headers={"To": "list@acme.example", "Cc": "more@acme.example"}),
    "enclosed message": lambda: mail(attachments=[("in.eml", b"Subject: In\n\nHi", "message/rfc822")]),
    "empty file": lambda: mail(attachments=[("a.txt", "", "text/plain")]),
    "file without text": lambda: mail(body="", attachments=[("a.bin", b"x", "application/octet-stream")]),
    **(ONLY_UP_TO_5_2 if django.VERSION < (6, 0) else {}),
}


@pytest.mark.parametrize("make", MESSAGES.values(), ids=MESSAGES)
def test_message_arrives_as_django_alone_sends_it(make):
    assert comparable(over_smtp(make())) == comparable(make().message())


OLD_FIELDS = (
    *("id", "from_email", "to", "cc", "bcc", "reply_to", "subject", "text", "html", "alternatives", "headers"),
    *("attachments", "tags", "metadata", "track", "send_at"),
)


@pytest.mark.parametrize("make", MESSAGES.values(), ids=MESSAGES)
def test_older_row_without_the_new_fields_stays_readable(make):
    stored = Message.from_django(make(), UUID(int=1)).to_json()
    old = {key: stored[key] for key in OLD_FIELDS}
    old["attachments"] = [fields[:4] for fields in stored["attachments"]]
    message = Message.from_json(old)
    assert message.to_django().message()["Subject"] is not None
    assert message.layout == ()


@pytest.mark.parametrize("attribute", ["mixed_subtype", "alternative_subtype", "encoding"])
def test_api_ignores_what_only_mime_has(provider_api, provider, attribute):
    message = with_attributes(mail("<p>ü</p>"), **{attribute: "iso-8859-1" if attribute == "encoding" else "related"})
    assert sent(provider, provider_api, message)["subject"] == "Hello"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("encoding", "klingon"), ("mixed_subtype", "a\r\nX-Evil: 1"), ("content_subtype", "a\nX-Evil: 1")],
)
def test_unusable_value_is_refused(attribute, value):
    with pytest.raises(InvalidMessage):
        over_smtp(with_attributes(**{attribute: value}))


@pytest.mark.parametrize("method", ["_create_message", "_create_attachments", "_create_alternatives", "message"])
def test_class_that_builds_mime_itself_is_refused(method):
    own = type("Related", (EmailMultiAlternatives,), {method: lambda *_: None})
    with pytest.raises(InvalidMessage, match="Related builds its own MIME"):
        over_smtp(own(to=["ada@example.com"]))


def test_message_method_of_one_object_is_refused():
    with pytest.raises(InvalidMessage, match="builds its own MIME"):
        over_smtp(with_attributes(message=lambda: None))


def test_class_with_other_recipients_is_refused():
    """Otherwise a message that a subclass sends to one person would go to everybody in its fields."""

    class Redirected(EmailMessage):
        def recipients(self):
            return ["staging@acme.example"]

    with pytest.raises(InvalidMessage, match=r"Redirected changes recipients\(\)"):
        over_smtp(Redirected(to=["ada@example.com"]))


@pytest.mark.parametrize(
    ("value", "arrives_as"),
    [
        (b"<https://acme.example/u>", "<https://acme.example/u>"),
        (datetime(2001, 11, 9, 1, 8, 47, tzinfo=UTC), "Fri, 09 Nov 2001 01:08:47 +0000"),
        (lazystr("Ja"), "Ja"),
        (7, "7"),
    ],
)
def test_header_value_that_is_not_a_string_arrives(provider_api, value, arrives_as):
    message = mail(headers={"X-Value": value})
    assert over_smtp(message)["X-Value"] == arrives_as
    assert sent("resend", provider_api, message)["headers"] == {"X-Value": arrives_as}


@pytest.mark.parametrize(
    "fields", [{"subject": b"Hi"}, {"to": [b"ada@example.com"]}, {"from_email": b"a@acme.example"}]
)
def test_bytes_instead_of_text_are_refused(fields):
    """Django would write them as "b'Hi'"."""
    with pytest.raises(InvalidMessage, match="is bytes"):
        over_smtp(mail(**fields))


def test_enclosed_message_as_a_body_is_refused():
    with pytest.raises(InvalidMessage, match="Attach it as a file"):
        over_smtp(mail(alternatives=[(mail(), "message/rfc822")]))
