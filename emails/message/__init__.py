"""The neutral form of a message: checked once, immutable, and without MIME.

Providers serialize this form. Building MIME just to send JSON would cost more than sending it.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.core.mail import EmailMessage, EmailMultiAlternatives

from emails.errors import InvalidMessage
from emails.message import django_parts as parts
from emails.message import options
from emails.message.address import Address, parse_all, without_repeats
from emails.message.attachments import Attachment
from emails.message.django_parts import ENVELOPE_HEADER, Alternative
from emails.message.layout import EMPTY, HTML, TEXT, Encoding, Layout
from emails.message.text_rules import header_text

__all__ = ["Address", "Alternative", "Attachment", "Message"]

ADDRESS_LISTS = ("to", "cc", "bcc", "reply_to")
# Fields that few messages have, and how to restore each from JSON types. They are stored only if they are set.
RARE_FIELDS: dict[str, Callable[[Any], Any]] = {
    "track_clicks": bool,
    "track_opens": bool,
    "layout": lambda layout: tuple((content_type, place) for content_type, place in layout),
    "encoding": lambda fields: Encoding(*fields),
    "mixed_subtype": str,
    "alternative_subtype": str,
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message to all its recipients."""

    id: uuid.UUID
    from_email: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    alternatives: tuple[Alternative, ...] = ()
    # Django's extra headers. To and Cc are shown to recipients in place of the real ones. Return-Path is an envelope
    # sender that differs from the author. Only SMTP supports these three.
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    # False for emails with live links: click tracking would hand those links to a third party.
    track: bool = True
    # Whether the provider should track clicks and opens. None leaves it to the provider's own settings.
    track_clicks: bool | None = None
    track_opens: bool | None = None
    # In UTC. Only messages that bypass the outbox have it, because the outbox itself waits until then.
    send_at: datetime | None = None
    # What only MIME can express. Empty values mean Django's defaults.
    layout: Layout = ()
    encoding: Encoding | None = None
    mixed_subtype: str = ""
    alternative_subtype: str = ""

    @classmethod
    def from_django(cls, email: EmailMessage, message_id: uuid.UUID) -> Self:
        """Convert a message, its attribute ``sensitive``, and Anymail's (options.py). Raises ``InvalidMessage``."""
        parts.refuse_own_mime(email)
        options.refuse_options(email)
        is_sensitive = bool(getattr(email, "sensitive", False))
        track_clicks, track_opens = options.tracking(email, is_sensitive=is_sensitive)
        to, cc, bcc = without_repeats(parse_all(email.to, "to"), parse_all(email.cc, "cc"), parse_all(email.bcc, "bcc"))
        if not (to or cc or bcc):
            raise InvalidMessage("The message has no recipient. Add at least one email address to to, cc, or bcc.")
        parts.refuse_own_recipients(email)
        from_email, reply_to, headers = parts.split_headers(email)
        text, html, alternatives, layout = parts.bodies(email)
        return cls(
            id=message_id,
            from_email=from_email,
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            subject=header_text("subject", email.subject),  # Django checks for line breaks only when it builds MIME
            text=text,
            html=html,
            alternatives=alternatives,
            headers=headers,
            attachments=tuple(map(Attachment.from_django, email.attachments or ())),
            tags=options.tags(email),
            metadata=options.metadata(email),
            track=not is_sensitive,
            track_clicks=track_clicks,
            track_opens=track_opens,
            send_at=options.send_at(email),
            layout=layout,
            encoding=parts.encoding(email),
            mixed_subtype=parts.subtype(email, "mixed_subtype", "mixed"),
            alternative_subtype=parts.subtype(email, "alternative_subtype", "alternative"),
        )

    def to_django(self, connection: Any = None) -> EmailMultiAlternatives:
        """Return the message as Django's own class, for any other backend."""
        headers = dict(self.headers)
        envelope_sender = headers.pop(ENVELOPE_HEADER, "")
        if envelope_sender:
            # Django's SMTP backend uses from_email as the envelope sender and the From header as the author.
            headers["From"] = str(self.from_email)
        (body_type, body), *alternatives = self._bodies()
        email = EmailMultiAlternatives(
            subject=self.subject,
            body=body,
            from_email=envelope_sender or str(self.from_email),
            to=[str(address) for address in self.to],
            cc=[str(address) for address in self.cc],
            bcc=[str(address) for address in self.bcc],
            reply_to=[str(address) for address in self.reply_to],
            headers=headers,
            connection=connection,
        )
        email.content_subtype = body_type.removeprefix("text/")
        for content_type, content in alternatives:
            email.attach_alternative(content, content_type)
        email.attachments = [attachment.to_django() for attachment in self.attachments]
        vars(email).update(self._extras())
        return email

    def _bodies(self) -> list[tuple[str, str]]:
        """Return the type and content of all bodies in Django's order, beginning with the message's own body."""
        if self.layout:
            return [(content_type, self._body_at(place)) for content_type, place in self.layout]
        # Without a text, the HTML is the body itself.
        usual = [(kind, content) for kind, content in ((TEXT, self.text), (HTML, self.html)) if content]
        return [*(usual or [(TEXT, "")]), *((other.content_type, other.content) for other in self.alternatives)]

    def _body_at(self, place: str) -> str:
        fixed = {TEXT: self.text, HTML: self.html, EMPTY: ""}
        return fixed[place] if place in fixed else self.alternatives[int(place)].content

    def _extras(self) -> dict[str, object]:
        """Return the attributes that Django, Anymail, and this app read, without unset ones.

        Empty ones are left out as well, because some providers reject them.
        """
        extras: dict[str, object] = {
            "tags": list(self.tags),
            "metadata": dict(self.metadata),
            "sensitive": not self.track,
            "track_clicks": self.track_clicks,
            "track_opens": self.track_opens,
            "send_at": self.send_at,
            "encoding": self.encoding and self.encoding.to_django(),
            "mixed_subtype": self.mixed_subtype,
            "alternative_subtype": self.alternative_subtype,
        }
        return {name: value for name, value in extras.items() if value or (value is False and name != "sensitive")}

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON types. ``from_json()`` restores an equal message."""
        return {
            "id": str(self.id),
            "from_email": [self.from_email.name, self.from_email.email],
            **{field: [[address.name, address.email] for address in getattr(self, field)] for field in ADDRESS_LISTS},
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "alternatives": [[alternative.content, alternative.content_type] for alternative in self.alternatives],
            "headers": [list(header) for header in self.headers],
            "attachments": [attachment.to_json() for attachment in self.attachments],
            "tags": list(self.tags),
            "metadata": [list(pair) for pair in self.metadata],
            "track": self.track,
            "send_at": self.send_at.isoformat() if self.send_at else None,
            **{name: value for name in RARE_FIELDS if (value := getattr(self, name)) not in (None, "", ())},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Restore a message from ``to_json()``. Rows stored by an older release lack some fields."""
        addresses: dict[str, Any] = {field: tuple(Address(*pair) for pair in data[field]) for field in ADDRESS_LISTS}
        rare: dict[str, Any] = {name: restore(data[name]) for name, restore in RARE_FIELDS.items() if name in data}
        return cls(
            id=uuid.UUID(data["id"]),
            from_email=Address(*data["from_email"]),
            **addresses,
            subject=data["subject"],
            text=data["text"],
            html=data["html"],
            alternatives=tuple(Alternative(*fields) for fields in data["alternatives"]),
            headers=tuple((name, value) for name, value in data["headers"]),
            attachments=tuple(map(Attachment.from_json, data["attachments"])),
            tags=tuple(data["tags"]),
            metadata=tuple((key, value) for key, value in data["metadata"]),
            track=data["track"],
            send_at=datetime.fromisoformat(data["send_at"]) if data.get("send_at") else None,
            **rare,
        )
