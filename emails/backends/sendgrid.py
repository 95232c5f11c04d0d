"""SendGrid's format: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from common.http.pool import Response
from common.http.retry_after import retry_after, wait_until_epoch
from emails.backends.api import ApiBackend
from emails.backends.base import Acceptance
from emails.backends.classification import NEEDS_A_PERSON, UNKNOWN, FailureKind
from emails.message import Address, Message
from emails.message.attachments import Attachment

MESSAGE_ARGUMENT = "app_message_id"

# The limits of https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations
FORBIDDEN_HEADERS = frozenset({"x-sg-id", "x-sg-eid", "received", "dkim-signature"})
MAX_RECIPIENTS = 1000
MAX_CATEGORIES = 10
MAX_CATEGORY_LENGTH = 255
MAX_ARGUMENT_BYTES = 10_000
MAX_SCHEDULE = timedelta(hours=72)
NO_PUNCTUATION = str.maketrans("", "", ",;")
TRACKING_OFF = {"click_tracking": {"enable": False, "enable_text": False}, "open_tracking": {"enable": False}}


class SendGridBackend(ApiBackend):
    """Sends through SendGrid, which ignores idempotency keys.

    After an unknown outcome, only an event with our message ID reveals whether the email was sent.
    """

    name = "sendgrid"
    path = "/mail/send"
    max_recipients = MAX_RECIPIENTS
    max_bytes = 30_000_000

    def payload(self, message: Message) -> dict[str, Any]:
        """Return the JSON object of one email, with all its recipients in one personalization."""
        self._refuse(message)
        send_at = self.scheduled(message, at_most=MAX_SCHEDULE)
        recipients = {"to": message.to, "cc": message.cc, "bcc": message.bcc}
        personalization: dict[str, Any] = {field: _people(people) for field, people in recipients.items() if people}
        personalization["custom_args"] = self._arguments(message)
        optional = {
            "reply_to_list": _people(message.reply_to),
            "attachments": [_attachment(attachment) for attachment in message.attachments],
            "headers": dict(message.headers),
            "categories": list(dict.fromkeys(message.tags)),
            "tracking_settings": {} if message.track else TRACKING_OFF,
            "send_at": int(send_at.timestamp()) if send_at else None,
        }
        return {
            "personalizations": [personalization],
            "from": _person(message.from_email),
            "subject": message.subject,
            "content": _content(message),
            **{field: value for field, value in optional.items() if value},
        }

    def _refuse(self, message: Message) -> None:
        if not message.subject:
            raise self.cannot("an empty subject", "give the message a subject.")
        if len(message.to) + len(message.cc) + len(message.bcc) > MAX_RECIPIENTS:
            raise self.cannot(f"more than {MAX_RECIPIENTS} recipients", "send several messages.")
        forbidden = [name for name, _ in message.headers if name.lower() in FORBIDDEN_HEADERS]
        if forbidden:
            raise self.cannot(f"the header {forbidden[0]}", "leave it out, because SendGrid sets it.")
        if any(not attachment.content for attachment in message.attachments):
            raise self.cannot("an empty file", "leave it out.")
        tags = set(message.tags)
        if len(tags) > MAX_CATEGORIES or any(not 0 < len(tag) <= MAX_CATEGORY_LENGTH for tag in tags):
            raise self.cannot(
                "these tags", f"use at most {MAX_CATEGORIES} tags of 1 to {MAX_CATEGORY_LENGTH} characters each."
            )

    def _arguments(self, message: Message) -> dict[str, str]:
        """Return our message ID and the metadata, which SendGrid repeats in every event.

        The prefix keeps them apart from the names that SendGrid itself uses in events.
        """
        arguments = {f"app_{key}": value for key, value in message.metadata} | {MESSAGE_ARGUMENT: str(message.id)}
        if sum(len(key.encode()) + len(value.encode()) for key, value in arguments.items()) > MAX_ARGUMENT_BYTES:
            raise self.cannot("metadata of more than 10,000 bytes", "store it in your own database.")
        return arguments

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        """Accept 202 with any body, and the sandbox's 200 without a body."""
        if response.status == 202 or (response.status == 200 and response.body == b""):
            return Acceptance((response.headers.get("X-Message-Id", ""),))
        return UNKNOWN

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        if status == 403 and "access forbidden" in text.lower():
            return NEEDS_A_PERSON
        return failure

    def rate_limit_hints(self, headers: Mapping[str, str]) -> dict[str, Any]:
        if headers.get("X-RateLimit-Remaining") != "0":
            return {}
        return {"cooldown": wait_until_epoch(headers.get("X-RateLimit-Reset"))}

    def wait_after_refusal(self, headers: Mapping[str, str]) -> timedelta | None:
        return wait_until_epoch(headers.get("X-RateLimit-Reset")) or retry_after(headers)


def _people(addresses: Iterable[Address]) -> list[dict[str, str]]:
    return [_person(address) for address in addresses]


def _person(address: Address) -> dict[str, str]:
    """Return name and address; the name without commas and semicolons, which SendGrid's documentation rules out."""
    name = address.name.translate(NO_PUNCTUATION).strip()
    return {"email": address.email, "name": name} if name else {"email": address.email}


def _content(message: Message) -> list[dict[str, str]]:
    bodies = [("text/plain", message.text), ("text/html", message.html)]
    bodies += [(alternative.content_type, alternative.content) for alternative in message.alternatives]
    return [{"type": content_type, "value": value} for content_type, value in bodies if value]


def _attachment(attachment: Attachment) -> dict[str, str]:
    fields = {
        "content": b64encode(attachment.content).decode(),
        "filename": attachment.filename,
        "type": attachment.content_type,
    }
    if not attachment.content_id:
        return fields | {"disposition": "attachment"}
    return fields | {"disposition": "inline", "content_id": attachment.content_id}
