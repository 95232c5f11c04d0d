"""One message for each row of the table in docs/providers.md, and how to tell whether its feature arrived."""

import json
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from email.message import MIMEPart
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from functools import partial
from typing import Any

from django.core.mail import EmailMultiAlternatives

from emails.tests.support.messages import mail

NEEDLE = "needle"


@dataclass(frozen=True)
class Arrived:
    """What arrived: the JSON of an API, or the MIME and the envelope of SMTP."""

    provider: str
    payload: Any = None
    mime: Any = None
    envelope: Any = None

    @property
    def text(self) -> str:
        """Everything that arrived as one text, with files and bodies decoded."""
        if self.provider != "smtp":
            files = [
                b64decode(file["content"]).decode(errors="replace") for file in self.payload.get("attachments", [])
            ]
            return "\n".join([json.dumps(self.payload, ensure_ascii=False), *files])
        parts = [part.get_payload(decode=True) or b"" for part in self.mime.walk()]
        decoded = [part.decode(errors="replace") for part in parts]
        return "\n".join([str(self.envelope), self.mime.as_string(), *decoded])

    @property
    def files(self) -> list[Any]:
        if self.provider != "smtp":
            return list(self.payload.get("attachments", []))
        return [part for part in self.mime.walk() if part.get_filename() or part["Content-ID"]]


def has_needle(arrived: Arrived) -> bool:
    return NEEDLE in arrived.text


def first_file_is_inline(arrived: Arrived) -> bool:
    file = arrived.files[0]
    if arrived.provider == "smtp":
        return bool(file.get_content_disposition() == "inline")
    if arrived.provider == "sendgrid":
        return bool(file["disposition"] == "inline")
    return "content_id" in file or "contentId" in file


def file_has_charset(arrived: Arrived) -> bool:
    file = arrived.files[0]
    text = file["Content-Type"] if arrived.provider == "smtp" else str(file)
    return 'charset="utf-8"' in text


def tracking(setting: bool) -> Callable[[Arrived], bool]:
    """Return a check whether clicks and opens are both set to this."""

    def is_set(arrived: Arrived) -> bool:
        text = arrived.text.lower()
        return "click" in text and "open" in text and str(setting).lower() in text

    return is_set


@dataclass(frozen=True)
class Feature:
    make: Callable[[], Any]
    arrived: Callable[[Arrived], bool] = has_needle


def with_attributes(message: Any = None, /, **attributes: Any) -> Any:
    message = message or mail(to=["ada@example.com", "bob@example.com"])
    for name, value in attributes.items():
        setattr(message, name, value)
    return message


def with_file(*attachment: Any, **fields: Any) -> Any:
    message = mail(**fields)
    message.attachments = list(attachment)
    return message


def image(disposition: str, **headers: str) -> MIMEBase:
    made = MIMEImage(b"PNG", "png")
    made.add_header("Content-ID", f"<{NEEDLE}>")
    made.add_header("Content-Disposition", disposition, filename="logo.png")
    for name, value in headers.items():
        made.add_header(name.replace("_", "-"), value)
    return made


class OwnMime(EmailMultiAlternatives):
    def message(self, **_: Any) -> Any:
        return MIMEPart()


class OwnRecipients(EmailMultiAlternatives):
    def recipients(self) -> list[str]:
        return ["other@example.com"]


FEATURES = {
    "`subject`, `body`, `from_email`, `to`": Feature(
        lambda: mail(subject="needle", body="needle", from_email="needle@acme.example", to=["needle@example.com"]),
        lambda arrived: arrived.text.count(NEEDLE) >= 4,
    ),
    "An empty `subject`": Feature(lambda: mail(subject="", body=NEEDLE)),
    "`cc` and `bcc`": Feature(
        lambda: mail(cc=["needle-1@example.com"], bcc=["needle-2@example.com"]),
        lambda arrived: "needle-1@" in arrived.text and "needle-2@" in arrived.text,
    ),
    "No `to`, only `cc` or `bcc`": Feature(lambda: mail(to=[], bcc=["needle@example.com"])),
    "Display names of recipients": Feature(lambda: mail(to=["A needle <ada@example.com>"])),
    "A mailbox name outside ASCII": Feature(
        lambda: mail(to=["jürgen@example.com"]), lambda arrived: "rgen" in arrived.text
    ),
    "`reply_to`, or a `Reply-To` header": Feature(lambda: mail(headers={"Reply-To": "needle@acme.example"})),
    "Several addresses in `reply_to` or the header": Feature(
        lambda: mail(reply_to=["desk@acme.example", "needle@acme.example"])
    ),
    "HTML": Feature(lambda: mail("<p>needle</p>")),
    "Text next to HTML": Feature(lambda: mail("<p>Hi</p>", body=NEEDLE)),
    "Text without HTML": Feature(lambda: mail(body=NEEDLE)),
    "A calendar, AMP, or a second HTML part": Feature(
        lambda: mail("<p>Hi</p>", alternatives=[("<p>Hi</p>", "text/html"), (NEEDLE, "text/x-amp-html")])
    ),
    "`headers`": Feature(lambda: mail(headers={"X-Value": NEEDLE})),
    "A `To` or `Cc` header that differs from the field": Feature(lambda: mail(headers={"To": "needle@acme.example"})),
    "A `From` header that differs from `from_email`": Feature(
        lambda: mail(headers={"From": "needle@acme.example"}),
        lambda arrived: arrived.envelope[0] == "hello@acme.example" and NEEDLE in arrived.mime["From"],
    ),
    "Files": Feature(lambda: with_file(("a.bin", b"needle", "application/octet-stream"))),
    "Empty files": Feature(lambda: with_file(("needle.bin", b"", "application/octet-stream"))),
    "Files without a name": Feature(lambda: with_file((None, b"needle", "application/vnd.acme.report"))),
    "Attached messages": Feature(lambda: with_file(("in.eml", mail(subject=NEEDLE), "message/rfc822"))),
    "A multipart as one file": Feature(lambda: with_file(MIMEMultipart())),
    "Parameters of a file's type, such as `method=REQUEST`": Feature(
        lambda: with_file(("a.ics", "BEGIN", "text/calendar; method=needle"))
    ),
    "The charset of a text file": Feature(lambda: with_file(("a.txt", "Grüße", "text/plain")), file_has_charset),
    "Inline images with a Content-ID": Feature(
        lambda: with_file(image("inline"), html="<img src='cid:needle'>"), first_file_is_inline
    ),
    "A file with a Content-ID and the disposition `attachment`": Feature(
        lambda: with_file(image("attachment")), lambda arrived: not first_file_is_inline(arrived)
    ),
    "Other headers of a MIME part": Feature(
        lambda: with_file(image("inline", Content_Description="a needle here")),
        lambda arrived: "a needle here" in arrived.text,
    ),
    "`encoding`": Feature(
        lambda: with_attributes(mail(body="Grüße"), encoding="iso-8859-1"),
        lambda arrived: "iso-8859-1" in arrived.text,
    ),
    "`mixed_subtype` and `alternative_subtype` (Django 5.2)": Feature(
        lambda: with_attributes(with_file(image("inline")), mixed_subtype=NEEDLE),
        lambda arrived: "multipart/needle" in arrived.text,
    ),
    "A class with its own `message()`": Feature(lambda: OwnMime("Hi", "Hi", None, ["ada@example.com"])),
    "A class with other `recipients()`": Feature(lambda: OwnRecipients("Hi", "Hi", None, ["ada@example.com"])),
    "`tags`": Feature(lambda: with_attributes(tags=[NEEDLE])),
    "Tags with characters other than `A–Z a–z 0–9 _ -`": Feature(lambda: with_attributes(tags=["a needle!"])),
    "`metadata`": Feature(lambda: with_attributes(metadata={"key": NEEDLE})),
    "`envelope_sender`": Feature(lambda: with_attributes(envelope_sender="needle@acme.example")),
    "`send_at` without the outbox": Feature(
        lambda: with_attributes(send_at=time.time() + 3600),
        lambda arrived: bool({"scheduled_at", "send_at"} & arrived.payload.keys()),
    ),
    "`track_clicks` and `track_opens` set to `False`": Feature(
        lambda: with_attributes(track_clicks=False, track_opens=False), tracking(False)
    ),
    "`track_clicks` and `track_opens` set to `True`": Feature(
        lambda: with_attributes(track_clicks=True, track_opens=True), tracking(True)
    ),
    "`sensitive`: no tracking of live links": Feature(lambda: with_attributes(sensitive=True), tracking(False)),
    **{
        f"`{name}`": Feature(partial(with_attributes, **{name: {}}))
        for name in ("merge_data", "merge_metadata", "merge_headers", "merge_global_data", "template_id", "esp_extra")
    },
}
