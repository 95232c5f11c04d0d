"""What is the same for every provider that takes a mail as JSON; a provider's own file only translates."""

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

ENVELOPE_AND_MIME_HEADERS = frozenset(
    {"to", "cc", "bcc", "from", "reply-to", "subject", "return-path"}
    | {"content-type", "content-transfer-encoding", "mime-version"}
)


class ApiBackend(ApiClient, DeliveryBackend):
    """A mail is one JSON object, posted to `path`."""

    path: ClassVar[str]
    most_recipients: ClassVar[int] = 50
    """In each of to, cc and bcc."""

    @abstractmethod
    def payload(self, message: Message) -> dict[str, Any]:
        """The message in the provider's words. Raises UnsupportedFeature."""

    def scheduled(self, message: Message, *, at_most: timedelta) -> datetime | None:
        """When the provider is to send it; None: at once. Raises UnsupportedFeature for a time too far ahead."""
        ahead = (message.send_at or timezone.now()) - timezone.now()
        if ahead > at_most:
            raise self.cannot(f"a send_at more than {at_most.days} days ahead", "send it through the outbox.")
        return message.send_at if ahead > timedelta() else None

    def serialise(self, message: Message) -> bytes:
        self._refuse_what_no_api_takes(message)
        body = json.dumps(self.payload(message), ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) > self.most_bytes:
            raise self.cannot(
                f"a message of {len(body):,} bytes (at most {self.most_bytes:,})",
                "link to the files instead of attaching them.",
            )
        return body

    def request(self, parts: Sequence[bytes]) -> Request:
        [body] = parts
        return Request(self.path, body)

    # Refusals before any call

    def cannot(self, feature: str, advice: str) -> UnsupportedFeature:
        return UnsupportedFeature(self.name, feature, advice)

    def _refuse_what_no_api_takes(self, message: Message) -> None:
        if not message.to:
            raise self.cannot("a message without `to`", "add a recipient to `to`.")
        for field in ("to", "cc", "bcc"):
            count = len(getattr(message, field))
            if count > self.most_recipients:
                raise self.cannot(
                    f"{count} email addresses in `{field}`", f"send to at most {self.most_recipients} per message."
                )
        for address in _all_addresses(message):
            if not address.email.isascii():
                raise self.cannot(
                    f"the mailbox {address.email}", "use an ASCII email address, or send it through SMTP."
                )
        if not any((message.text, message.html, message.alternatives)):
            raise self.cannot("an empty body", "give the message a text or HTML body.")
        reserved = [name for name, _ in message.headers if name.lower() in ENVELOPE_AND_MIME_HEADERS]
        if reserved:
            raise self.cannot(
                f"a custom {reserved[0]} header", "use the fields of EmailMessage, or send it through SMTP."
            )

    def refuse_alternatives(self, message: Message) -> None:
        """For providers that carry one text and one HTML body."""
        for alternative in message.alternatives:
            if alternative.content_type == "text/html":
                raise self.cannot("two HTML bodies", "send one of them.")
            raise self.cannot(f"a {alternative.content_type} alternative", "attach it as a file instead.")


def _all_addresses(message: Message) -> Iterable[Any]:
    return (message.from_email, *message.to, *message.cc, *message.bcc, *message.reply_to)
