"""Attachments, converted from every form that Django accepts."""

import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.encoders import encode_base64
from email.message import Message as MimePart
from email.mime.base import MIMEBase
from typing import Any, Self

from django.core.mail import EmailMessage

from emails.errors import InvalidMessage
from emails.message.text_rules import header_text, utf8

DEFAULT_TYPE = "application/octet-stream"
MESSAGE_TYPE = "message/rfc822"
CONTENT_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file. ``content_type`` has no parameters, text is UTF-8, and ``content_id`` has no angle brackets."""

    filename: str
    content: bytes
    content_type: str
    content_id: str = ""

    @classmethod
    def from_django(cls, attachment: Any) -> Self:
        """Convert (name, content, type), an EmailAttachment, a MIME part, or an ``email.message.EmailMessage``.

        Raises ``InvalidMessage`` for anything else.
        """
        filename, content, content_type, content_id = _unpacked(attachment)
        content_type = _checked_type(content_type, filename, content)
        data = _bytes(content)
        if content_type.startswith("text/") and not _is_utf8(data):
            content_type = DEFAULT_TYPE  # as Django does: a mail program would fail to decode it as text
        # SendGrid requires a file name, and Resend silently drops emails with an unnamed file.
        name = header_text("attachment's name", filename or f"attachment{_extension(content_type)}")
        return cls(name, data, content_type, header_text("attachment's Content-ID", content_id))

    def to_django(self) -> Any:
        """Return an item for ``EmailMessage.attachments``."""
        if not self.content_id:
            is_text = self.content_type.startswith("text/")
            return (self.filename, self.content.decode() if is_text else self.content, self.content_type)
        # Django's own tuple form has no Content-ID, which inline images need.
        part = MIMEBase(*self.content_type.split("/", 1))
        part.set_payload(self.content)
        encode_base64(part)
        part.add_header("Content-ID", f"<{self.content_id}>")
        part.add_header("Content-Disposition", "inline", filename=self.filename)
        return part


def _unpacked(attachment: Any) -> tuple[Any, Any, Any, str]:
    """Return the file name, the content, the content type, and the Content-ID. All but the content may be missing."""
    if isinstance(attachment, MimePart):
        content_id = str(attachment.get("Content-ID", "")).strip().removeprefix("<").removesuffix(">")
        return attachment.get_filename(), _payload(attachment), attachment.get_content_type(), content_id
    if isinstance(attachment, Sequence) and not isinstance(attachment, str) and len(attachment) in (2, 3):
        return *(*attachment, None)[:3], ""  # the content type is optional
    raise _refusal(attachment)


def _payload(part: MimePart) -> Any:
    """Return the content of the part: bytes, text, or the enclosed message."""
    if part.get_content_type() == MESSAGE_TYPE:
        return part.get_payload(0)
    if part.is_multipart():
        raise InvalidMessage("A multipart MIME part is not a single file. Attach its parts one by one.")
    data = part.get_payload(decode=True)
    charset = part.get_content_charset("utf-8")
    if part.get_content_maintype() != "text" or not isinstance(data, bytes):
        return data
    try:
        return data.decode(charset)
    except (LookupError, UnicodeError):  # an unknown charset, or bytes that aren't in it
        return data


def _bytes(content: Any) -> bytes:
    if isinstance(content, EmailMessage):
        content = content.message()
    # Forwarded emails (message/rfc822) arrive as an object of Django or of the standard library.
    if isinstance(content, MimePart):
        return content.as_bytes()
    if isinstance(content, str):
        return utf8("attachment", content)
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise _refusal(content)


def _checked_type(content_type: Any, filename: Any, content: Any) -> str:
    if not content_type:
        guess = mimetypes.guess_type(str(filename))[0] if filename else None
        enclosed = MESSAGE_TYPE if isinstance(content, EmailMessage | MimePart) else DEFAULT_TYPE
        return guess or enclosed
    # Without parameters: text is converted to UTF-8, so a charset could be wrong.
    bare = str(content_type).partition(";")[0].strip().lower()
    if not CONTENT_TYPE.fullmatch(bare):
        raise InvalidMessage(
            f"{str(content_type)[:80]!r} is not a content type. Write it as type/subtype, such as image/png."
        )
    return bare


def _extension(content_type: str) -> str:
    return mimetypes.guess_extension(content_type) or ".bin"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refusal(thing: Any) -> InvalidMessage:
    return InvalidMessage(
        f"A {type(thing).__name__} can't be attached. Pass (filename, str or bytes, type) or a MIME part."
    )
