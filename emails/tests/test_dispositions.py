"""Whether a file is inline: its own Content-Disposition decides, and a Content-ID only without one."""

from email.message import MIMEPart
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.text import MIMEText

import pytest

from emails.message import Attachment
from emails.tests.support.captured import REFUSED, payload_or_refused
from emails.tests.support.messages import comparable, mail, over_smtp, sent


def part(disposition="", content_id="", maker=lambda: MIMEApplication(b"%PDF-1.7", "pdf")):
    made = maker()
    if content_id:
        made.add_header("Content-ID", content_id)
    if disposition:
        made.add_header("Content-Disposition", disposition, filename="bill.pdf")
    return made


def mail_with(attachment):
    message = mail()
    message.attachments = [attachment]
    return message


def looks_inline(provider, file):
    """Whether the provider would show the file inside the HTML."""
    if provider == "sendgrid":
        assert ("content_id" in file) is (file["disposition"] == "inline")
        return file["disposition"] == "inline"
    return "content_id" in file or "contentId" in file


@pytest.mark.parametrize(
    ("disposition", "content_id", "is_inline"),
    [
        ("attachment", "<bill-7@acme.example>", False),
        ("inline", "<bill-7@acme.example>", True),
        ("", "<bill-7@acme.example>", True),
        ("INLINE", "<bill-7@acme.example>", True),
        ("Attachment", "bill-7", False),
        ("form-data", "<bill-7@acme.example>", False),
        ("inline", "", True),
        ("attachment", "", False),
        ("", "", False),
    ],
)
def test_disposition_decides(provider_api, provider, disposition, content_id, is_inline):
    [file] = sent(provider, provider_api, mail_with(part(disposition, content_id)))["attachments"]
    assert looks_inline(provider, file) is is_inline


def test_inline_files_without_a_content_id_get_different_ones(provider_api, provider):
    message = mail()
    message.attachments = [part("inline"), part("inline")]
    files = sent(provider, provider_api, message)["attachments"]
    assert len({file.get("content_id") or file.get("contentId") for file in files}) == 2


def described_part():
    """A part with headers that no API has a field for."""
    made = part("attachment", "<a@b>")
    made.add_header("Content-Description", "Your bill")
    made.add_header("Content-Location", "https://acme.example/bill")
    made.set_param("size", "8", header="Content-Disposition")
    return made


def modern_part():
    made = MIMEPart()
    made.set_content(b"%PDF", maintype="application", subtype="pdf", disposition="attachment", filename="Größe.pdf")
    return made


PARTS = [
    part("attachment", "<bill-7@acme.example>"),
    part("inline", "<bill-7@acme.example>"),
    part("", "<bill-7@acme.example>"),
    part("inline"),
    part(),
    described_part(),
    part("inline", "<n@b>", lambda: MIMEText("Grüße " * 40, "plain", "iso-8859-1")),
    part("attachment", "", lambda: MIMEText("<p>Hi</p>", "html", "us-ascii")),
    part("inline", "<logo>", lambda: MIMEImage(bytes(range(256)) * 20, "png")),
]


@pytest.mark.parametrize("attachment", PARTS)
def test_smtp_delivers_the_part_unchanged(attachment):
    message = mail("<p>Hi</p>")
    message.attach(attachment)
    assert comparable(over_smtp(message)) == comparable(message.message())


@pytest.mark.parametrize("attachment", [*PARTS, modern_part()])
def test_part_survives_the_outbox(attachment):
    file = Attachment.from_django(attachment)
    assert Attachment.from_json(file.to_json()) == file


def test_part_of_the_newer_class_arrives(provider_api, provider):
    """Django accepts ``email.message.MIMEPart`` from 6.0 on; older releases can append one to the list."""
    [file] = sent(provider, provider_api, mail_with(modern_part()))["attachments"]
    assert file["filename"] == "Größe.pdf"


@pytest.mark.parametrize("disposition", ["", "inline", "attachment"])
@pytest.mark.parametrize("content_id", ["", "bill-7"])
def test_attachment_object_keeps_its_disposition(disposition, content_id):
    """Callers of ``send_templated_email`` may pass such objects."""
    file = Attachment("a.csv", b"a;b", "text/csv", content_id, disposition=disposition)
    again = Attachment.from_django(file.to_django())
    assert (again.filename, again.content, again.content_type) == ("a.csv", b"a;b", "text/csv")
    assert (again.is_inline, again.content_id) == (file.is_inline, content_id)


@pytest.mark.parametrize("header", ["X-Evil", "Content-Description", "Content-ID"])
@pytest.mark.parametrize("value", ["a\nBcc: eve@example.com", "a\r\n\r\n<script>", "a\x00b"])
def test_header_injection_by_a_part_is_refused(provider_api, provider, header, value):
    evil = part("attachment")
    evil._headers.append((header, value))  # what a parser or a careless caller can produce
    assert payload_or_refused(provider, provider_api, mail_with(evil)) == REFUSED
