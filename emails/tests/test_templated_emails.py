"""What send_templated_email queues, and which arguments it refuses, with the outbox and with Django's test backend."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage as MimeMessage
from email.mime.application import MIMEApplication
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailAttachment
from django.template import TemplateDoesNotExist

from emails.errors import EmailsError, InvalidHeader, InvalidMessage, UnknownKind
from emails.message import Address, Attachment
from emails.models import OutboundEmail, Priority
from emails.services import send_or_discard_templated_email, send_templated_email
from emails.tests.support.fixtures_kinds import write_kind

__all__ = ["write_kind"]

UNUSABLE_ADDRESSES = [
    "",
    None,
    " ",
    "\t",
    "\u00a0",
    "ada",
    "ada@",
    "@example.com",
    "ada@example..com",
    "ada@-example.com",
    "a da@example.com",
    "ada@example.com, bob@example.com",
    "ada@example.com bob@example.com",
    "ada@example.com;bob@example.com",
    "Ada <ada@example.com>, Bob <bob@example.com>",
    "Ada <>",
    "<ada@example.com",
    "ada@example.com\n",
    "ada@example.com\r\nBcc: eve@example.com",
    "Ada\nBcc: eve@example.com <ada@example.com>",
    "ada@exam\0ple.com",
    "ada@example.com\ud800",
    ["ada@example.com"],
    ("ada@example.com", "bob@example.com"),
    b"ada@example.com",
    7,
]


@pytest.fixture(params=["emails.backends.outbox.OutboxBackend", "django.core.mail.backends.locmem.EmailBackend"])
def send(request, settings, db, write_kind) -> Any:
    """Provide a function that sends a simple kind. Runs the test with the outbox and with Django's test backend."""
    settings.EMAIL_BACKEND = request.param
    write_kind("simple")

    def send(**arguments: Any) -> None:
        send_templated_email(**{"kind": "simple", "to": "ada@example.com", "context": {"name": "Ada"}, **arguments})

    return send


def is_nothing_queued() -> bool:
    return not mail.outbox and not OutboundEmail.objects.exists()


@pytest.mark.parametrize("to", UNUSABLE_ADDRESSES)
def test_unusable_recipient_is_refused(send, to):
    with pytest.raises(InvalidMessage):
        send(to=to)
    assert is_nothing_queued()


@pytest.mark.parametrize("to", UNUSABLE_ADDRESSES)
def test_unusable_recipient_is_refused_also_if_the_email_is_discarded(settings, write_kind, db, to):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    write_kind("simple")
    with pytest.raises(InvalidMessage):
        send_or_discard_templated_email(discard=True, kind="simple", to=to, context={"name": "Ada"})
    assert is_nothing_queued()


def test_empty_recipient_is_named(send):
    with pytest.raises(InvalidMessage, match="to is empty"):
        send(to=" ")


def test_line_break_in_the_recipient_is_an_invalid_header(send):
    with pytest.raises(InvalidHeader):
        send(to="ada@example.com\nBcc: eve@example.com")


@pytest.mark.parametrize(
    "arguments",
    [
        {"reply_to": "desk@acme.example"},
        {"reply_to": ["desk"]},
        {"reply_to": ["desk@acme.example\nBcc: eve@example.com"]},
        {"from_email": "acme"},
        {"from_email": ""},
        {"from_email": "Acme <hello@acme.example>\nBcc: eve@example.com"},
        {"attachments": ["report.pdf"]},
        {"attachments": "report.pdf"},
        {"attachments": [("report.pdf",)]},
        {"attachments": [("report.pdf", 7, "application/pdf")]},
        {"attachments": [("report.pdf", b"data", "pdf")]},
        {"attachments": [("report\n.pdf", b"data")]},
    ],
)
def test_other_unusable_arguments_are_refused(send, arguments):
    with pytest.raises(InvalidMessage):
        send(**arguments)
    assert is_nothing_queued()


@pytest.mark.parametrize("to", ["Ada <Ada@Example.com>", '"Lovelace, Ada" <ada@example.com>', "ada@bücher.example"])
def test_usable_recipient_is_accepted(send, to):
    send(to=to)
    assert not is_nothing_queued()


def row(**arguments: Any) -> OutboundEmail:
    arguments = {"kind": "simple", "to": "ada@example.com", "context": {"name": "Ada"}, **arguments}
    assert send_templated_email(**arguments) is None  # type: ignore[func-returns-value]
    return OutboundEmail.objects.get()


@pytest.fixture
def simple_kind(settings, db, write_kind):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    return write_kind("simple")


@pytest.mark.usefixtures("simple_kind")
class TestRow:
    """The row in the outbox has what the caller passed, or else the defaults."""

    def test_defaults(self, settings):
        email = row()
        assert email.priority == Priority.NORMAL
        assert str(email.message.from_email) == settings.DEFAULT_FROM_EMAIL
        assert (email.message.reply_to, email.message.headers, email.message.attachments) == ((), (), ())

    def test_send_at_makes_it_due_later(self):
        later = datetime.now(UTC) + timedelta(days=3)
        assert row(send_at=later).due_at == later

    @pytest.mark.parametrize("priority", [*Priority, 0, 2])
    def test_priority(self, simple_kind, priority):
        (simple_kind / "kind.json").write_text('{"priority": "waiting"}')
        assert row(priority=priority).priority == priority

    def test_priority_of_the_kind(self, write_kind):
        (write_kind("waited_for") / "kind.json").write_text('{"priority": "waiting"}')
        assert row(kind="waited_for").priority == Priority.WAITING

    @pytest.mark.parametrize("priority", [-1, 3, "urgent"])
    def test_unknown_priority_is_refused(self, priority):
        with pytest.raises(ValueError, match="is not a valid Priority"):
            row(priority=priority)

    def test_addresses_and_headers(self):
        message = row(
            from_email="Desk <desk@acme.example>",
            reply_to=["Ann <ann@acme.example>", "bob@acme.example"],
            headers={"X-Campaign": "spring"},
        ).message
        assert message.from_email == Address("Desk", "desk@acme.example")
        assert message.reply_to == (Address("Ann", "ann@acme.example"), Address("", "bob@acme.example"))
        assert message.headers == (("X-Campaign", "spring"),)

    def test_line_break_in_a_header_is_refused(self):
        with pytest.raises(InvalidHeader):
            row(headers={"X-Campaign": "spring\nBcc: eve@example.com"})

    @pytest.mark.parametrize(
        ("attachment", "name", "content", "content_type"),
        [
            (Attachment("a.pdf", b"data", "application/pdf"), "a.pdf", b"data", "application/pdf"),
            (Attachment("logo.png", b"PNG", "image/png", "logo"), "logo.png", b"PNG", "image/png"),
            (EmailAttachment("a.txt", "Grüße", "text/plain"), "a.txt", "Grüße".encode(), "text/plain"),
            (("a.csv", "1,2", "text/csv"), "a.csv", b"1,2", "text/csv"),
            (("a.pdf", b"data"), "a.pdf", b"data", "application/pdf"),
            ((None, b"data", "application/pdf"), "attachment.pdf", b"data", "application/pdf"),
            ((None, b"data", None), "attachment.bin", b"data", "application/octet-stream"),
            (MIMEApplication(b"data", "pdf", name="a.pdf"), "a.pdf", b"data", "application/pdf"),
        ],
    )
    def test_attachment(self, attachment, name, content, content_type):
        [file] = row(attachments=[attachment]).message.attachments
        assert (file.filename, file.content, file.content_type) == (name, content, content_type)

    def test_mime_part_of_the_newer_class(self):
        part = MimeMessage()
        part.set_content(b"data", maintype="application", subtype="pdf", filename="a.pdf")
        [file] = row(attachments=[part]).message.attachments
        assert (file.filename, file.content) == ("a.pdf", b"data")

    def test_content_id_of_an_attachment(self):
        [file] = row(attachments=[Attachment("logo.png", b"PNG", "image/png", content_id="logo")]).message.attachments
        assert file.content_id == "logo"


def test_every_argument_reaches_the_test_backend(settings, db, write_kind):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    write_kind("simple")
    send_templated_email(
        kind="simple",
        to="ada@example.com",
        context={"name": "Ada"},
        from_email="desk@acme.example",
        reply_to=["ann@acme.example"],
        headers={"X-Campaign": "spring"},
        attachments=[("a.txt", "text", "text/plain")],
    )
    [message] = mail.outbox
    assert message.from_email == "desk@acme.example"
    assert message.reply_to == ["ann@acme.example"]
    assert message.extra_headers == {"X-Campaign": "spring"}
    assert message.attachments == [("a.txt", "text", "text/plain")]


def test_unknown_kind_lists_the_kinds(send):
    for kind in ("nosuch", "No Such", "../simple", "welcome/..", ""):
        with pytest.raises(UnknownKind, match=r"There is no kind .*The kinds are: simple\.$"):
            send_templated_email(kind=kind, to="ada@example.com", context={"name": "Ada"})
    assert issubclass(UnknownKind, (ValueError, TemplateDoesNotExist))
    assert is_nothing_queued()


BROKEN = [
    (
        "body.txt",
        "\n{% if %}",
        "emails/k/body.txt, line 2: TemplateSyntaxError: Unexpected end of expression in if tag.",
    ),
    ("subject.txt", "{{ team }}", "'team', which emails/k/subject.txt uses on line 1."),
    (
        "body.html",
        "{% load i18n %}\n{% blocktranslate %}{{ team }}{% endblocktranslate %}",
        "k/body.html uses on line 2.",
    ),
    ("body.txt", None, "templates/emails/k/body.txt is missing."),
]


@pytest.mark.parametrize(("part", "content", "sentence"), BROKEN)
def test_missing_part_and_broken_template_are_named(write_kind, part, content, sentence):
    folder = write_kind("k")
    (folder / part).unlink()
    if content is not None:
        (folder / part).write_text(content)
    with pytest.raises(EmailsError) as caught:
        send_templated_email(kind="k", to="ada@example.com", context={"name": "Ada"})
    assert sentence in str(caught.value)
