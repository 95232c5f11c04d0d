"""Resend's format: https://resend.com/docs/api-reference/emails/send-email"""

import mimetypes
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from common.http.pool import Response
from emails.backends.api import ApiBackend
from emails.backends.base import Acceptance, Request
from emails.backends.classification import NEEDS_A_PERSON, UNKNOWN, FailureKind, classify_conflict
from emails.backends.client import json_body
from emails.message import Message
from emails.message.attachments import Attachment

TAG_CHARACTERS = re.compile(r"[A-Za-z0-9_-]{1,256}")
MESSAGE_TAG = "message_id"
MAX_CONTENT_ID_LENGTH = 127
MAX_SCHEDULE = timedelta(days=30)
FIRST_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
# "1010" is the code with which Resend's edge servers refuse a call without a User-Agent.
KEY_TROUBLE = re.compile(r"api[ _]key|invalid_permission|\b1010\b", re.IGNORECASE)
KNOWN_TYPES = mimetypes.MimeTypes()  # Python's own table, so that the result doesn't depend on the machine
# Other names of a type, which must not count as a contradiction between a file's name and its type.
SAME_TYPES = {
    "text/xml": "application/xml",
    "application/javascript": "text/javascript",
    "image/jpg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
}


class ResendBackend(ApiBackend):
    """Sends through Resend, up to 100 messages per call.

    Resend switches tracking per sending domain, not per message, so emails with live links need a domain without it.
    Metadata is not sent, because the only place for it would be a header that recipients can read.
    """

    name = "resend"
    path = "/emails"
    batch_path = "/emails/batch"
    batch_limit = 100
    default_rate = 2.0  # until the first response reports the account's limit
    key_lifetime = timedelta(hours=24)
    max_bytes = 40_000_000
    reset_headers = ("ratelimit-reset", "x-ratelimit-reset")

    def payload(self, message: Message) -> dict[str, Any]:
        """Return the JSON object of one email; empty fields are left out."""
        self.refuse_alternatives(message)
        payload: dict[str, Any] = {
            "from": str(message.from_email),
            "to": [str(address) for address in message.to],
            "subject": message.subject,
            "text": message.text,  # sent even if empty: without the field, Resend derives a text from the HTML
            "tags": _tags(message),
        }
        send_at = self.scheduled(message, at_most=MAX_SCHEDULE)
        if send_at and message.attachments:
            raise self.cannot("attachments with a send_at", "send it through the outbox, which waits until then.")
        optional = {
            "scheduled_at": iso(send_at) if send_at else "",
            "html": message.html,
            "cc": [str(address) for address in message.cc],
            "bcc": [str(address) for address in message.bcc],
            "reply_to": [str(address) for address in message.reply_to],
            "headers": dict(message.headers),
            "attachments": [self._attachment(attachment) for attachment in message.attachments],
        }
        return payload | {field: value for field, value in optional.items() if value}

    def _attachment(self, attachment: Attachment) -> dict[str, str]:
        """Refuse a file whose name contradicts its type: Resend accepts the email and then never delivers it."""
        expected, _ = KNOWN_TYPES.guess_type(attachment.filename)
        if expected and _canonical(expected) != _canonical(attachment.content_type):
            raise self.cannot(
                f"the file {attachment.filename!r} as {attachment.content_type}",
                f"a file with that name must be {expected} (text in UTF-8). Otherwise, rename it.",
            )
        if len(attachment.content_id) > MAX_CONTENT_ID_LENGTH:
            raise self.cannot("a Content-ID of 128 characters or more", "make it shorter.")
        fields = {
            "filename": attachment.filename,
            "content": b64encode(attachment.content).decode(),
            "content_type": attachment.content_type,
        }
        return fields | ({"content_id": attachment.content_id} if attachment.content_id else {})

    def may_share_call(self, message: Message) -> bool:
        """Keep emails with attachments or a schedule out of batches, where Resend drops both silently.

        https://resend.com/docs/dashboard/emails/batch-sending
        """
        return not (message.attachments or message.send_at)

    def request(self, parts: Sequence[bytes]) -> Request:
        if len(parts) == 1:
            return super().request(parts)
        return Request(self.batch_path, b"[" + b",".join(parts) + b"]")

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        """Read one ID, or the IDs of a batch in the order of its messages.

        A batch is accepted as a whole or refused as a whole, so a response with a missing ID is not trusted.
        """
        data = json_body(response)
        items = data.get("data", [data]) if isinstance(data, dict) else None
        message_ids = tuple(map(_message_id, items)) if isinstance(items, list) else ()
        return Acceptance(message_ids) if message_ids and all(message_ids) else UNKNOWN

    def rate_limit_hints(self, headers: Mapping[str, str]) -> dict[str, Any]:
        limit = FIRST_NUMBER.match(headers.get("ratelimit-limit") or headers.get("x-ratelimit-limit") or "")
        return {"rate": float(limit[0])} if limit and float(limit[0]) > 0 else {}

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        if status == 409:
            return classify_conflict(text)
        if status in (400, 401, 403) and KEY_TROUBLE.search(text):
            return NEEDS_A_PERSON
        return failure


def iso(moment: datetime) -> str:
    """Return the time as Resend accepts it, with milliseconds: it refuses microseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message_id(item: Any) -> str:
    message_id = item.get("id") if isinstance(item, dict) else None
    return message_id if isinstance(message_id, str) else ""


def _tags(message: Message) -> list[dict[str, str]]:
    """Return our message ID, which Resend repeats in every event, and the tags that fit its character set."""
    fitting = {tag: "true" for tag in message.tags if TAG_CHARACTERS.fullmatch(tag)}
    return [{"name": name, "value": value} for name, value in {**fitting, MESSAGE_TAG: str(message.id)}.items()]


def _canonical(content_type: str) -> str:
    return SAME_TYPES.get(content_type, content_type)
