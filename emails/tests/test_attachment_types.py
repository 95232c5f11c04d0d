"""Content types of attachments: their parameters, charsets, guesses, and the names that fit them."""

import json
import mimetypes
from email.mime.application import MIMEApplication
from email.mime.text import MIMEText

import pytest
from django.core.mail import EmailAttachment

from emails.message import Attachment
from emails.message.files import KNOWN_TYPES
from emails.tests.support.captured import REFUSED, attachments_of, payload_or_refused
from emails.tests.support.messages import comparable, mail, over_smtp, sent

CALENDAR = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


def calendar_part():
    part = MIMEText(CALENDAR, "calendar", "utf-8")
    part.set_param("method", "REQUEST")
    part.add_header("Content-Disposition", "attachment", filename="meeting.ics")
    return part


def mail_with(attachment):
    message = mail()
    message.attachments = [attachment]
    return message


CALENDARS = [
    ("meeting.ics", CALENDAR, "text/calendar; method=REQUEST"),
    ("meeting.ics", CALENDAR.encode(), 'text/calendar; charset=ascii; method="REQUEST"'),
    EmailAttachment("meeting.ics", CALENDAR, "text/calendar;method=REQUEST"),
    calendar_part(),
]


@pytest.mark.parametrize("attachment", CALENDARS)
def test_method_of_a_calendar_arrives_or_is_refused(provider_api, provider, attachment):
    payload = payload_or_refused(provider, provider_api, mail_with(attachment))
    if provider == "resend":
        [(name, _, content_type, _)] = attachments_of(provider, payload)
        assert (name, content_type) == ("meeting.ics", 'text/calendar; method="REQUEST"; charset="utf-8"')
    else:
        assert payload == REFUSED


@pytest.mark.parametrize(
    ("content_type", "at_resend"),
    [
        ("application/pdf; version=1.7", 'application/pdf; version="1.7"'),
        ("text/plain; format=flowed; delsp=yes", 'text/plain; format="flowed"; delsp="yes"; charset="utf-8"'),
        ("application/xml; charset=iso-8859-1", 'application/xml; charset="iso-8859-1"'),
        ('text/x-log; title="a; b"', 'text/x-log; title="a; b"; charset="utf-8"'),
        ("text/x-log; title=Größe", "text/x-log; title*=utf-8''Gr%C3%B6%C3%9Fe; charset=\"utf-8\""),
    ],
)
def test_every_parameter_arrives_or_is_refused(provider_api, provider, content_type, at_resend):
    payload = payload_or_refused(provider, provider_api, mail_with(("a", b"x", content_type)))
    expected = at_resend if provider == "resend" else REFUSED
    assert (payload if payload == REFUSED else attachments_of(provider, payload)[0][2]) == expected


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/html; charset=latin-1; name=a.html"])
def test_parameter_that_says_nothing_new_is_left_out(provider_api, provider, content_type):
    """Text is UTF-8 everywhere, and ``name`` repeats the file's name."""
    [(_, _, arrived, _)] = attachments_of(provider, sent(provider, provider_api, mail_with(("a", "x", content_type))))
    bare = content_type.partition(";")[0]
    assert arrived == (f'{bare}; charset="utf-8"' if provider == "resend" and bare == "text/html" else bare)


@pytest.mark.parametrize(
    "attachment",
    [
        *CALENDARS,
        ("a.pdf", b"%PDF", 'application/pdf; version="1.7"'),
        ("a.json", "{}", "application/json; charset=utf-8"),
        ("A.TXT", "x", "TEXT/Plain"),
        (None, b"data", "application/vnd.acme.report"),
        MIMEText("Grüße", _charset="latin-1"),
        MIMEApplication(b"%PDF", "pdf", version="1.7"),
    ],
)
def test_smtp_delivers_what_django_alone_would(attachment):
    message = mail()
    message.attach(*(attachment if isinstance(attachment, tuple) else [attachment]))
    assert comparable(over_smtp(message)) == comparable(message.message())


@pytest.mark.parametrize("line_break", ["\n", "\r\n "])
def test_line_break_in_a_type_is_refused(provider_api, provider, line_break):
    attachment = ("a.txt", "x", f"text/plain; title=a{line_break}X-Evil: 1")
    assert payload_or_refused(provider, provider_api, mail_with(attachment)) == REFUSED


@pytest.mark.parametrize(
    ("name", "content_type", "arrives_as"),
    [
        ("notes.txt", "text/plain", 'text/plain; charset="utf-8"'),
        ("notes.txt", None, 'text/plain; charset="utf-8"'),
        ("table.csv", "text/csv", 'text/csv; charset="utf-8"'),
        ("page.html", None, 'text/html; charset="utf-8"'),
        ("README", "text/plain", 'text/plain; charset="utf-8"'),
    ],
)
def test_text_reaches_resend_with_its_charset(provider_api, name, content_type, arrives_as):
    message = mail()
    message.attach(name, "Grüße", content_type)
    assert sent("resend", provider_api, message)["attachments"][0]["content_type"] == arrives_as


mimetypes.init()  # reads the files of this machine
DIFFERING = sorted(
    extension
    for extension, content_type in mimetypes.types_map.items()
    if KNOWN_TYPES.types_map[True].get(extension, content_type) != content_type
)


@pytest.mark.parametrize("content", [b"data", b"\xff\x00\xd0"])
@pytest.mark.parametrize("extension", [*DIFFERING, ".vcf", ".opus", ".pot", ".c"])
def test_guessed_type_gives_way_to_the_name(provider_api, provider, extension, content):
    """Django guesses with the tables of the machine, which differ from Python's own."""
    message = mail()
    message.attach(f"file{extension}", content)
    [(_, _, content_type, _)] = attachments_of(provider, sent(provider, provider_api, message))
    if provider == "resend":
        fitting = KNOWN_TYPES.types_map[True][extension]
        equal = {"application/javascript": "text/javascript", "text/xml": "application/xml"}
        assert content_type.partition(";")[0] in (fitting, equal.get(fitting))


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("card.vcf", "text/x-markdown"), ("track.opus", "video/mp4"), ("a.pdf", "application/octet-stream")],
)
def test_chosen_type_that_contradicts_the_name_is_refused_by_resend(provider_api, name, content_type):
    assert payload_or_refused("resend", provider_api, mail_with((name, b"x", content_type))) == REFUSED


@pytest.mark.parametrize(
    "content_type", ["application/vnd.acme.report", "application/x-unheard-of", "text/vcard", "audio/ogg", "x-a/b"]
)
def test_unnamed_file_of_any_type_is_accepted(provider_api, provider, content_type):
    [(name, content, arrived, _)] = attachments_of(
        provider, sent(provider, provider_api, mail_with((None, b"data", content_type)))
    )
    assert (name.partition(".")[0], content) == ("attachment", b"data")
    assert arrived.partition(";")[0] == content_type


ARCHIVES = [
    ("backup.tar.gz", "application/gzip"),
    ("backup.tar.gz", "application/x-gzip"),
    ("backup.tar.gz", None),
    ("backup.tgz", "application/gzip"),
    ("backup.tgz", "application/x-compressed-tar"),
    ("backup.tar.bz2", "application/x-bzip2"),
    ("backup.tbz2", None),
    ("backup.tar.xz", "application/x-xz"),
    ("backup.tar.Z", "application/x-compress"),
    ("report.csv.gz", "application/gzip"),
    ("report.csv.gz", None),
    ("report.txt.gz", None),
    ("drawing.svgz", None),
    ("page.html.br", "application/x-brotli"),
    ("log.gz", "application/gzip"),
    ("backup.zip", "application/x-zip-compressed"),
    ("backup.tar.zst", "application/zstd"),
    ("backup.7z", "application/x-7z-compressed"),
]


@pytest.mark.parametrize(("name", "content_type"), ARCHIVES)
def test_compressed_archive_is_accepted(provider_api, provider, name, content_type):
    message = mail()
    message.attach(name, b"\x1f\x8b\xff\x00", content_type)
    [(arrived, content, _, _)] = attachments_of(provider, sent(provider, provider_api, message))
    assert (arrived, content) == (name, b"\x1f\x8b\xff\x00")


@pytest.mark.parametrize("content_type", ["text/csv", "image/png"])
def test_archive_with_another_type_is_refused_by_resend(provider_api, content_type):
    attachment = ("report.tar.gz", b"\x1f\x8b\xff", content_type)
    result = payload_or_refused("resend", provider_api, mail_with(attachment))
    # Bytes that aren't text make Django use application/octet-stream instead of text/csv.
    assert result == REFUSED


@pytest.mark.parametrize(
    "stored",
    [
        ["a.txt", "SGk=", "text/plain", ""],
        ["logo.png", "UE5H", "image/png", "logo"],
        ["attachment.bin", "AA==", "application/octet-stream", ""],
    ],
)
def test_row_of_the_last_release_stays_readable(stored):
    file = Attachment.from_json(stored)
    assert (file.filename, file.content_type, file.content_id) == (stored[0], stored[2], stored[3])
    assert file.is_inline is bool(stored[3])
    assert file.to_json() == stored
    message = mail()
    message.attachments = [file.to_django()]
    assert stored[0] in message.message().as_string()


@pytest.mark.parametrize("attachment", CALENDARS)
def test_attachment_survives_the_outbox(attachment):
    file = Attachment.from_django(attachment)
    assert Attachment.from_json(json.loads(json.dumps(file.to_json()))) == file
