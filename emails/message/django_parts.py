"""The parts of a Django message, and the rules for combining its fields, headers, and bodies."""

from dataclasses import dataclass
from datetime import datetime
from email.charset import Charset
from email.message import Message as MimePart
from email.utils import format_datetime
from functools import cache
from itertools import chain
from typing import Any

from django.core.mail import EmailMessage

from emails.errors import InvalidMessage
from emails.message.address import Address, entries, without_repeats
from emails.message.address_lists import parse_list
from emails.message.layout import EMPTY, HTML, TEXT, Encoding, Layout, bare_type, is_implied
from emails.message.options import option
from emails.message.text_rules import body_text, header_name, header_text

ENVELOPE_HEADER = "Return-Path"
# Headers that win over the field of the same name. Keyed by lowercase, because header names ignore case.
SHADOWING = {name.lower(): name for name in ("From", "To", "Cc", "Reply-To", ENVELOPE_HEADER)}
# Headers that Django would write a second time, next to the field.
FIELDS = {"subject": "subject", "bcc": "bcc"}
# The methods with which Django builds MIME, in 5.2 or later. The neutral form would lose what another version builds.
MIME_METHODS = (
    "message",
    "_create_message",
    "_create_alternatives",
    "_create_attachments",
    "_create_attachment",
    "_create_mime_attachment",
    "_add_bodies",
    "_add_attachments",
    "_add_attachment",
    "_set_list_header_if_not_empty",
)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A body other than the text and the first HTML part, such as a calendar or AMP."""

    content: str
    content_type: str


def refuse_own_mime(email: EmailMessage) -> None:
    """Raise ``InvalidMessage`` for a class that builds MIME in its own way, which would get lost."""
    message_class: Any = type(email)
    if "message" in vars(email) or _builds_own_mime(message_class):
        raise InvalidMessage(
            f"{message_class.__name__} builds its own MIME, which no provider's API accepts. "
            "Send it through a separate SMTP backend."
        )


def refuse_own_recipients(email: EmailMessage) -> None:
    """Raise ``InvalidMessage`` for a class that sends to others than the fields say."""
    own_method: Any = type(email).recipients
    if own_method is EmailMessage.recipients and "recipients" not in vars(email):
        return
    if [*email.recipients()] != [address for field in (email.to, email.cc, email.bcc) for address in field if address]:
        raise InvalidMessage(
            f"{type(email).__name__} changes recipients(), which can't be passed on. Set to, cc, and bcc instead."
        )


@cache
def _builds_own_mime(message_class: Any) -> bool:
    methods = (getattr(message_class, name, None) for name in MIME_METHODS)
    return any(method and method.__module__ != EmailMessage.__module__ for method in methods)


def split_headers(email: EmailMessage) -> tuple[Address, tuple[Address, ...], tuple[tuple[str, str], ...]]:
    """Return the visible author, the Reply-To addresses, and the remaining headers.

    As in Django, a From header turns ``from_email`` into the envelope sender. Return-Path holds it if it differs.
    """
    headers = _checked(email.extra_headers or {})
    shadow = headers.pop("From", "")
    author = Address.parse(shadow or email.from_email, "from_email")
    envelope_sender = option(email, "envelope_sender")
    if envelope_sender is None and shadow:
        envelope_sender = email.from_email
    if envelope_sender is not None:
        address = Address.parse(envelope_sender, "envelope sender")
        if address.email.lower() != author.email.lower():
            headers[ENVELOPE_HEADER] = address.email
    shadow = headers.pop("Reply-To", "")
    lists = entries([shadow] if shadow else email.reply_to, "reply_to")
    [reply_to] = without_repeats(chain.from_iterable(parse_list(one, "reply_to") for one in lists))
    return author, reply_to, tuple(headers.items())


def bodies(email: EmailMessage) -> tuple[str, str, tuple[Alternative, ...], Layout]:
    """Return the text, the first HTML part, everything else in Django's order, and the order of all of them."""
    found = {TEXT: "", HTML: ""}
    rest: list[Alternative] = []
    layout = []
    for content, given_type in [(email.body, f"text/{email.content_subtype}"), *(getattr(email, "alternatives", ()))]:
        content_type = header_text("alternative's type", given_type)
        if "/" not in content_type:
            raise InvalidMessage(
                f"{content_type[:80]!r} is not a MIME type. Write it as type/subtype, such as text/calendar."
            )
        kind = bare_type(content_type)
        text = body_text(f"{content_type} body", _decoded(content, content_type))
        if not text:
            place = EMPTY
        elif found.get(kind) == "":
            found[kind] = text
            place = kind
        else:
            place = str(len(rest))
            rest.append(Alternative(text, content_type))
        layout.append((content_type, place))
    order = tuple(layout)
    return found[TEXT], found[HTML], tuple(rest), () if is_implied(order) else order


def encoding(email: EmailMessage) -> Encoding | None:
    """Return the charset of the message's MIME, or None for Django's default. Raises ``InvalidMessage``."""
    charset = email.encoding
    if not charset:
        return None
    if isinstance(charset, Charset):
        return Encoding(str(charset.input_charset), charset.header_encoding, charset.body_encoding)
    return Encoding.named(header_text("encoding", charset))


def subtype(email: EmailMessage, name: str, default: str) -> str:
    """Return the subtype of a multipart, such as ``mixed_subtype``, or an empty string for Django's default."""
    value = getattr(email, name, default)
    return "" if value == default else header_text(name, value)


def _checked(extra_headers: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in extra_headers.items():
        field = FIELDS.get(str(name).lower())
        if field:
            raise InvalidMessage(f"A header {name} beside the message's own {field}. Set {field} on the message only.")
        if value is not None:
            key = SHADOWING.get(str(name).lower()) or header_name(name)
            headers[key] = header_text(f"header {name}", _header_value(value))
    return headers


def _header_value(value: Any) -> Any:
    """Return a value of the types that Django accepts in a header, as a str."""
    if isinstance(value, datetime):
        return format_datetime(value)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _decoded(content: Any, content_type: str) -> Any:
    if isinstance(content, EmailMessage | MimePart):
        raise InvalidMessage(f"The {content_type} body is a {type(content).__name__}. Attach it as a file instead.")
    if not isinstance(content, bytes | bytearray | memoryview):
        return "" if content is None else content
    try:
        return bytes(content).decode()
    except UnicodeDecodeError:
        pass
    raise InvalidMessage(f"The {content_type} alternative is not UTF-8. Attach it as a file instead.")
