"""What all providers with a JSON API have in common, so a provider's own file only translates.

A message that the provider can't carry fails here, before any call is made. Providers refuse such messages with vague
errors at best. At worst they accept a message and drop a part of it silently.
"""

import json
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone

from emails.backends.base import DeliveryBackend, Request
from emails.backends.client import ApiClient
from emails.errors import UnsupportedFeature
from emails.message import Message
from emails.message.attachments import Attachment
from emails.message.django_parts import ENVELOPE_HEADER
from emails.message.files import with_parameters
from emails.message.layout import HTML, bare_type

# The provider builds these headers from the fields of its JSON. Sent as custom headers as well, they could contradict
# those fields.
ENVELOPE_AND_MIME_HEADERS = frozenset(
    {"to", "cc", "bcc", "from", "reply-to", "subject", "return-path"}
    | {"content-type", "content-transfer-encoding", "mime-version"}
)


class ApiBackend(ApiClient, DeliveryBackend):
    """Posts each email as one JSON object to ``path``."""

    path: ClassVar[str]
    max_recipients: ClassVar[int] = 50
    """The limit for each of to, cc, and bcc. Resend and Sequenzy document 50."""

    @abstractmethod
    def payload(self, message: Message) -> dict[str, Any]:
        """Return the message as the provider's JSON object. Raises UnsupportedFeature."""

    def scheduled(self, message: Message, *, at_most: timedelta) -> datetime | None:
        """Return when the provider should send the message, or None for immediately.

        Raises UnsupportedFeature if the message's ``send_at`` is further ahead than ``at_most``.
        """
        ahead = (message.send_at or timezone.now()) - timezone.now()
        if ahead > at_most:
            raise self.unsupported(f"a send_at more than {at_most.days} days ahead", "send it through the outbox.")
        return message.send_at if ahead > timedelta() else None

    def serialize(self, message: Message) -> bytes:
        self._check_recipients(message)
        self._check_content(message)
        body = json.dumps(self.payload(message), ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) > self.max_bytes:
            raise self.unsupported(
                f"a message of {len(body):,} bytes (at most {self.max_bytes:,})",
                "link to the files instead of attaching them.",
            )
        return body

    def request(self, parts: Sequence[bytes]) -> Request:
        [body] = parts
        return Request(self.path, body)

    def unsupported(self, feature: str, advice: str) -> UnsupportedFeature:
        """Return the error to raise for a message with this feature. ``advice`` is what the developer can do."""
        return UnsupportedFeature(self.name, feature, advice)

    def _check_recipients(self, message: Message) -> None:
        if not message.to:
            raise self.unsupported("a message without `to`", "add a recipient to `to`.")
        for field in ("to", "cc", "bcc"):
            count = len(getattr(message, field))
            if count > self.max_recipients:
                raise self.unsupported(
                    f"{count} email addresses in `{field}`", f"send to at most {self.max_recipients} per message."
                )
        # Resend rejects such mailboxes (observed by django-anymail), and no provider documents that it accepts them.
        # Domains aren't affected, because emails.message has already encoded them as ASCII.
        for address in _all_addresses(message):
            if not address.email.isascii():
                raise self.unsupported(
                    f"the mailbox {address.email}", "use an ASCII email address, or send it through SMTP."
                )

    def _check_content(self, message: Message) -> None:
        if not any((message.text, message.html, message.alternatives)):
            raise self.unsupported("an empty body", "give the message a text or HTML body.")
        reserved = [name for name, _ in message.headers if name.lower() in ENVELOPE_AND_MIME_HEADERS]
        if reserved:
            # Return-Path is how the neutral form carries an envelope sender.
            is_envelope = reserved[0] == ENVELOPE_HEADER
            raise self.unsupported(
                f"an envelope sender ({ENVELOPE_HEADER})" if is_envelope else f"a custom {reserved[0]} header",
                "use the fields of EmailMessage, or send it through SMTP.",
            )

    def tracking(self, message: Message) -> tuple[bool | None, bool | None]:
        """Return whether to track clicks and opens; None leaves it to the account's settings."""
        # Click tracking would hand the live links of a sensitive message to a third party.
        return (message.track_clicks, message.track_opens) if message.track else (False, False)

    def bare_type(self, attachment: Attachment) -> str:
        """Return the file's type for a provider that accepts no parameters. Raises UnsupportedFeature."""
        parameters = with_parameters("", attachment.parameters).strip("; ")
        if parameters:
            raise self.unsupported(
                f"the parameters of the file {attachment.filename!r} ({parameters})",
                "leave them out, or send the message through Resend or SMTP.",
            )
        return attachment.content_type

    def refuse_alternatives(self, message: Message) -> None:
        """Raise UnsupportedFeature for a calendar, AMP, or second HTML body.

        Resend and Sequenzy have no field for one. SendGrid does, so it doesn't call this.
        """
        for alternative in message.alternatives:
            if bare_type(alternative.content_type) == HTML:
                raise self.unsupported("two HTML bodies", "send one of them.")
            raise self.unsupported(f"a {alternative.content_type} alternative", "attach it as a file instead.")


def inline_id(number: int, attachment: Attachment) -> str:
    """Return the Content-ID of an inline file. If it has none, its position in the message makes one."""
    return attachment.content_id or f"inline-{number + 1}"


def _all_addresses(message: Message) -> Iterable[Any]:
    return (message.from_email, *message.to, *message.cc, *message.bcc, *message.reply_to)
