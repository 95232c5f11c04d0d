"""The neutral form of a message: checked once, immutable, and without MIME.

Providers serialize this form. Building MIME just to send JSON would cost more than sending it.
"""

import uuid
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.core.mail import EmailMessage, EmailMultiAlternatives

from emails.errors import InvalidMessage
from emails.message import django_parts as parts
from emails.message.address import Address, parse_all, without_repeats
from emails.message.attachments import Attachment
from emails.message.django_parts import ENVELOPE_HEADER, Alternative
from emails.message.text_rules import header_text

__all__ = ["Address", "Alternative", "Attachment", "Message"]

ADDRESS_LISTS = ("to", "cc", "bcc", "reply_to")


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
    # In UTC. Only messages that bypass the outbox have it, because the outbox itself waits until then.
    send_at: datetime | None = None

    @classmethod
    def from_django(cls, email: EmailMessage, message_id: uuid.UUID) -> Self:
        """Convert a message and its attributes tags, metadata, sensitive, and send_at. Raises ``InvalidMessage``."""
        parts.refuse_what_gets_lost(email)
        to, cc, bcc = without_repeats(parse_all(email.to, "to"), parse_all(email.cc, "cc"), parse_all(email.bcc, "bcc"))
        if not (to or cc or bcc):
            raise InvalidMessage("The message has no recipient. Add at least one email address to to, cc, or bcc.")
        from_email, reply_to, headers = parts.split_headers(email)
        text, html, alternatives = parts.bodies(email)
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
            tags=parts.tags(email),
            metadata=parts.metadata(email),
            track=not getattr(email, "sensitive", False),
            send_at=parts.send_at(email),
        )

    def to_django(self, connection: Any = None) -> EmailMultiAlternatives:
        """Return the message as Django's own class, for any other backend."""
        headers = dict(self.headers)
        envelope_sender = headers.pop(ENVELOPE_HEADER, "")
        if envelope_sender:
            # Django's SMTP backend uses from_email as the envelope sender and the From header as the author.
            headers["From"] = str(self.from_email)
        email = EmailMultiAlternatives(
            subject=self.subject,
            body=self.text or self.html,
            from_email=envelope_sender or str(self.from_email),
            to=[str(address) for address in self.to],
            cc=[str(address) for address in self.cc],
            bcc=[str(address) for address in self.bcc],
            reply_to=[str(address) for address in self.reply_to],
            headers=headers,
            connection=connection,
        )
        if self.text and self.html:
            email.attach_alternative(self.html, "text/html")
        elif self.html:  # without a text, the HTML is the body itself
            email.content_subtype = "html"
        for alternative in self.alternatives:
            email.attach_alternative(alternative.content, alternative.content_type)
        email.attachments = [attachment.to_django() for attachment in self.attachments]
        vars(email).update(self._extras())
        return email

    def _extras(self) -> dict[str, object]:
        """Return the attributes that Anymail and this app read, without empty ones: some providers reject those."""
        extras: dict[str, object] = {
            "tags": list(self.tags),
            "metadata": dict(self.metadata),
            "sensitive": not self.track,
            "send_at": self.send_at,
        }
        return {name: value for name, value in extras.items() if value}

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
            "attachments": [
                [file.filename, b64encode(file.content).decode(), file.content_type, file.content_id]
                for file in self.attachments
            ],
            "tags": list(self.tags),
            "metadata": [list(pair) for pair in self.metadata],
            "track": self.track,
            "send_at": self.send_at.isoformat() if self.send_at else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Restore a message from ``to_json()``. Rows stored by an older release have no ``send_at``."""
        return cls(
            id=uuid.UUID(data["id"]),
            from_email=Address(*data["from_email"]),
            **{field: tuple(Address(*pair) for pair in data[field]) for field in ADDRESS_LISTS},
            subject=data["subject"],
            text=data["text"],
            html=data["html"],
            alternatives=tuple(Alternative(*fields) for fields in data["alternatives"]),
            headers=tuple((name, value) for name, value in data["headers"]),
            attachments=tuple(
                Attachment(filename, b64decode(content), content_type, content_id)
                for filename, content, content_type, content_id in data["attachments"]
            ),
            tags=tuple(data["tags"]),
            metadata=tuple((key, value) for key, value in data["metadata"]),
            track=data["track"],
            send_at=datetime.fromisoformat(data["send_at"]) if data.get("send_at") else None,
        )
