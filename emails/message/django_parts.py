"""The parts of a Django message, and the rules for combining its fields, headers, and bodies."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.mail import EmailMessage
from django.utils import timezone

from emails.errors import InvalidMessage
from emails.message.address import Address, parse_all, without_repeats
from emails.message.text_rules import body_text, header_name, header_text

ENVELOPE_HEADER = "Return-Path"
# Headers that win over the field of the same name. Keyed by lowercase, because header names ignore case.
SHADOWING = {name.lower(): name for name in ("From", "To", "Cc", "Reply-To", ENVELOPE_HEADER)}
# Headers that Django would write a second time, next to the field.
FIELDS = {"subject": "subject", "bcc": "bcc"}
# Attributes of other mail libraries, such as Anymail, and what to do instead.
LOST_ATTRIBUTES = {
    "template_id": "Render the email here.",
    "merge_data": "Create one message per recipient.",
    "merge_global_data": "Render the email here.",
    "esp_extra": "Use the fields of EmailMessage, tags, and metadata.",
}


@dataclass(frozen=True, slots=True)
class Alternative:
    """A body other than the text and the first HTML part, such as a calendar or AMP."""

    content: str
    content_type: str


def refuse_what_gets_lost(email: EmailMessage) -> None:
    """Raise ``InvalidMessage`` for features outside the fields of EmailMessage, which would silently get lost."""
    if type(email).message is not EmailMessage.message:
        raise InvalidMessage(
            f"{type(email).__name__} builds its own MIME in message(), which no provider's API accepts. "
            "Send it through a separate SMTP backend."
        )
    for attribute, advice in LOST_ATTRIBUTES.items():
        if getattr(email, attribute, None):
            raise InvalidMessage(f"The message sets {attribute}, which can't be passed on. {advice}")


def split_headers(email: EmailMessage) -> tuple[Address, tuple[Address, ...], tuple[tuple[str, str], ...]]:
    """Return the visible author, the Reply-To addresses, and the remaining headers.

    As in Django, a From header turns ``from_email`` into the envelope sender. Return-Path holds it if it differs.
    """
    headers = _checked(email.extra_headers or {})
    shadow = headers.pop("From", "")
    author = Address.parse(shadow or email.from_email, "from_email")
    envelope_sender = getattr(email, "envelope_sender", None) or (email.from_email if shadow else None)
    if envelope_sender:
        address = Address.parse(envelope_sender, "envelope sender")
        if address.email.lower() != author.email.lower():
            headers[ENVELOPE_HEADER] = address.email
    shadow = headers.pop("Reply-To", "")
    [reply_to] = without_repeats(parse_all([shadow] if shadow else email.reply_to, "reply_to"))
    return author, reply_to, tuple(headers.items())


def bodies(email: EmailMessage) -> tuple[str, str, tuple[Alternative, ...]]:
    """Return the text, the first HTML part, and everything else in Django's order."""
    found = {"text/plain": "", "text/html": ""}
    rest = []
    for content, content_type in [(email.body, f"text/{email.content_subtype}"), *(getattr(email, "alternatives", ()))]:
        text = body_text(f"{content_type} body", _decoded(content, content_type))
        # An empty body leaves its place to the next one: Django's default is "", and SendGrid refuses empty text.
        if found.get(content_type) == "":
            found[content_type] = text
        elif text:
            rest.append(Alternative(text, header_text("alternative's type", content_type)))
    return found["text/plain"], found["text/html"], tuple(rest)


def tags(email: EmailMessage) -> tuple[str, ...]:
    return tuple(header_text("tag", tag) for tag in getattr(email, "tags", None) or ())


def metadata(email: EmailMessage) -> tuple[tuple[str, str], ...]:
    pairs = getattr(email, "metadata", None) or {}
    return tuple((header_text("metadata", key), header_text("metadata", value)) for key, value in pairs.items())


def send_at(email: EmailMessage) -> datetime | None:
    """Return the time to send the message, in UTC, from a datetime or Unix seconds. Raises ``InvalidMessage``."""
    moment = getattr(email, "send_at", None)
    if moment is None:
        return None
    try:
        # In Python, True is also the int 1.
        if isinstance(moment, int | float) and not isinstance(moment, bool):
            return datetime.fromtimestamp(moment, UTC)
        if isinstance(moment, datetime):
            # Django interprets naive datetimes in the current time zone.
            aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
            return aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise InvalidMessage(f"send_at is {moment!r}. Pass a datetime or a Unix time in seconds.")


def _checked(extra_headers: dict[str, Any]) -> dict[str, str]:
    headers = {}
    for name, value in extra_headers.items():
        field = FIELDS.get(str(name).lower())
        if field:
            raise InvalidMessage(f"A header {name} beside the message's own {field}. Set {field} on the message only.")
        if value is not None:
            headers[SHADOWING.get(str(name).lower()) or header_name(name)] = header_text(f"header {name}", value)
    return headers


def _decoded(content: Any, content_type: str) -> Any:
    if not isinstance(content, bytes):
        return "" if content is None else content
    try:
        return content.decode()
    except UnicodeDecodeError:
        pass
    raise InvalidMessage(f"The {content_type} alternative is not UTF-8. Attach it as a file instead.")
