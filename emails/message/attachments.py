"""Attachments, converted from every form that Django accepts."""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.encoders import encode_base64
from email.message import Message as MimePart
from email.mime.base import MIMEBase
from typing import Any, Self

from django.core.mail import EmailMessage
from django.utils.functional import Promise

from emails.errors import InvalidMessage
from emails.message import stored_parts
from emails.message.files import (
    DEFAULT_TYPE,
    guessed_type,
    is_same_type,
    name_by_type,
    parameters_of,
    type_by_name,
    with_parameters,
)
from emails.message.text_rules import header_text, utf8

MESSAGE_TYPE = "message/rfc822"
CONTENT_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")
# Parameters that repeat what the file itself says: its name, and a charset that every reader assumes.
REDUNDANT_CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file. ``content_type`` has no parameters, text is UTF-8, and ``content_id`` has no angle brackets."""

    filename: str
    content: bytes
    content_type: str
    content_id: str = ""
    # The content type as the caller wrote it, if it is more than the bare type in lowercase.
    full_type: str = ""
    # The caller's Content-Disposition without parameters. Empty if the caller gave none.
    disposition: str = ""
    # The type that fits the file's name, if ``content_type`` is only a guess and doesn't fit.
    fitting_type: str = ""
    # Whether ``filename`` was made up, because the caller gave none and no API accepts an unnamed file.
    is_unnamed: bool = False
    # A MIME part that the caller attached, byte for byte. Empty for other attachments.
    mime: bytes = b""

    @classmethod
    def from_django(cls, attachment: Any) -> Self:
        """Convert (name, content, type), an EmailAttachment, a MIME part, or an ``email.message.EmailMessage``.

        Raises ``InvalidMessage`` for anything else.
        """
        if isinstance(attachment, MimePart):
            return cls._from_part(attachment)
        if isinstance(attachment, Sequence) and not isinstance(attachment, str) and len(attachment) in (2, 3):
            filename, content, content_type = (*attachment, None)[:3]  # the content type is optional
            return cls._from_content(filename, content, content_type)
        raise _refusal(attachment)

    @classmethod
    def _from_part(cls, part: MimePart) -> Self:
        full_type = stored_parts.unfolded(part.get("Content-Type", ""))
        content_id = str(part.get("Content-ID", "")).strip().removeprefix("<").removesuffix(">")
        file = cls._from_content(part.get_filename(), _payload(part), full_type or part.get_content_type())
        return replace(
            file,
            content_id=header_text("attachment's Content-ID", content_id),
            disposition=part.get_content_disposition() or "",
            mime=stored_parts.stored(part),
        )

    @classmethod
    def _from_content(cls, filename: Any, content: Any, given_type: Any) -> Self:
        full_type = header_text("attachment's type", given_type or "").strip()
        data = _bytes(content)
        content_type = _checked_type(full_type, filename, content)
        if content_type.startswith("text/") and not _is_utf8(data):
            content_type = DEFAULT_TYPE  # as Django does: a email program would fail to decode it as text
            full_type = ""
        # SendGrid requires a file name, and Resend silently drops emails with an unnamed file.
        name = header_text("attachment's name", filename or name_by_type(content_type))
        return cls(
            name,
            data,
            content_type,
            full_type=full_type if full_type != content_type else "",
            fitting_type=_fitting_type(name, content_type, data) if filename else "",
            is_unnamed=not filename,
        )

    @property
    def is_inline(self) -> bool:
        """Whether the file is part of the HTML. Without a disposition of its own, a file with a Content-ID is."""
        return self.disposition == "inline" or (not self.disposition and bool(self.content_id))

    @property
    def is_text(self) -> bool:
        return self.content_type.startswith("text/")

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the content type, without those that repeat the file's name or that it is UTF-8."""
        return [
            (name, value)
            for name, value in (parameters_of(self.full_type) if self.full_type else ())
            if name != "name" and not (name == "charset" and (self.is_text or value.lower() in REDUNDANT_CHARSETS))
        ]

    @property
    def type_with_charset(self) -> str:
        """The content type with its parameters and, for text, the charset that the content is in."""
        charset = [("charset", "utf-8")] if self.is_text and _is_utf8(self.content) else []
        return with_parameters(self.content_type, [*self.parameters, *charset])

    def to_django(self) -> Any:
        """Return an item for ``EmailMessage.attachments``."""
        if self.mime:
            return stored_parts.restored(self.mime)
        if not self.content_id and not self.disposition:
            filename = None if self.is_unnamed else self.filename
            content_type = self.full_type or self.content_type
            return (filename, self.content.decode() if self.is_text else self.content, content_type)
        # Django's tuple form has neither. The caller built this object, or a row of an earlier release stored it.
        part = MIMEBase(*self.content_type.split("/", 1))
        part.replace_header("Content-Type", self.type_with_charset)
        part.set_payload(self.content)
        encode_base64(part)
        if self.content_id:
            part.add_header("Content-ID", f"<{self.content_id}>")
        part.add_header("Content-Disposition", self.disposition or "inline", filename=self.filename)
        return part

    def to_json(self) -> list[Any]:
        """Return JSON types: name, content, type, Content-ID, and what only some files have.

        The release before this one can't read the fifth item, so its workers leave such a message to newer ones.
        """
        if self.mime:
            rest = {"mime": b64encode(self.mime).decode(), "fitting_type": self.fitting_type}
            return [self.filename, "", self.content_type, self.content_id, rest]
        fields = ("full_type", "disposition", "fitting_type", "is_unnamed")
        basic = [self.filename, b64encode(self.content).decode(), self.content_type, self.content_id]
        extra = {name: value for name in fields if (value := getattr(self, name))}
        return [*basic, extra] if extra else basic

    @classmethod
    def from_json(cls, fields: Sequence[Any]) -> Self:
        """Restore an attachment from ``to_json()``, also of an earlier release."""
        filename, content, content_type, content_id, rest = (*fields, {})[:5]
        if "mime" in rest:
            file = cls.from_django(stored_parts.restored(b64decode(rest["mime"])))
            # What counts as a guess depends on the machine, and this may be another one.
            return replace(file, fitting_type=rest["fitting_type"])
        return cls(filename, b64decode(content), content_type, content_id, **rest)


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
    if isinstance(content, str | Promise):
        return utf8("attachment", str(content))
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise _refusal(content)


def _checked_type(full_type: str, filename: Any, content: Any) -> str:
    if not full_type:
        enclosed = MESSAGE_TYPE if isinstance(content, EmailMessage | MimePart) else DEFAULT_TYPE
        return (guessed_type(str(filename)) if filename else "") or enclosed
    bare = full_type.partition(";")[0].strip().lower()
    if not CONTENT_TYPE.fullmatch(bare):
        raise InvalidMessage(f"{full_type[:80]!r} is not a content type. Write it as type/subtype, such as image/png.")
    return bare


def _fitting_type(filename: str, content_type: str, data: bytes) -> str:
    """Return the type that fits the name, or an empty string if the caller chose the type or it fits already."""
    guess = guessed_type(filename).lower()
    # Django, too, replaces a guessed text type if the content isn't UTF-8.
    is_guess = content_type == guess or (
        content_type == DEFAULT_TYPE and guess.startswith("text/") and not _is_utf8(data)
    )
    fitting = type_by_name(filename)
    return fitting if is_guess and not is_same_type(fitting, content_type) else ""


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
