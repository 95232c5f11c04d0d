"""Resend: https://resend.com/docs/api-reference/emails/send-email"""

import mimetypes
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from common.http.pool import Answer
from emails.backends.api import ApiBackend
from emails.backends.base import Receipt, Request
from emails.backends.classification import NEEDS_A_PERSON, UNKNOWN, Verdict, verdict_on_conflict
from emails.backends.client import json_body
from emails.message import Message
from emails.message.attachments import Attachment

TAG_CHARACTERS = re.compile(r"[A-Za-z0-9_-]{1,256}")
MESSAGE_TAG = "message_id"
LONGEST_CONTENT_ID = 127
LONGEST_SCHEDULE = timedelta(days=30)
FIRST_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
KEY_TROUBLE = re.compile(r"api[ _]key|invalid_permission|\b1010\b", re.IGNORECASE)
KNOWN_TYPES = mimetypes.MimeTypes()  # Python's own table, the same on every machine
SAME_TYPES = {
    "text/xml": "application/xml",
    "application/javascript": "text/javascript",
    "image/jpg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
}


class ResendBackend(ApiBackend):
    """Tracking is a setting of the sending domain here, not of a message: mails with live links want a domain with
    tracking off. Metadata stays in the outbox, since the only place for it would be a header that recipients see."""

    name = "resend"
    path = "/emails"
    batch_path = "/emails/batch"
    batch_limit = 100
    default_rate = 2.0
    key_lifetime = timedelta(hours=24)
    most_bytes = 40_000_000
    reset_headers = ("ratelimit-reset", "x-ratelimit-reset")

    def payload(self, message: Message) -> dict[str, Any]:
        self.refuse_alternatives(message)
        payload: dict[str, Any] = {
            "from": str(message.from_email),
            "to": [str(address) for address in message.to],
            "subject": message.subject,
            "text": message.text,  # left out, Resend would make one of the HTML
            "tags": _tags(message),
        }
        send_at = self.scheduled(message, at_most=LONGEST_SCHEDULE)
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
        """Resend accepts a file whose name contradicts its type, and never delivers the mail."""
        expected, _ = KNOWN_TYPES.guess_type(attachment.filename)
        if expected and _canonical(expected) != _canonical(attachment.content_type):
            raise self.cannot(
                f"the file {attachment.filename!r} as {attachment.content_type}",
                f"a file with that name must be {expected} (text in UTF-8). Otherwise, rename it.",
            )
        if len(attachment.content_id) > LONGEST_CONTENT_ID:
            raise self.cannot("a Content-ID of 128 characters or more", "make it shorter.")
        fields = {
            "filename": attachment.filename,
            "content": b64encode(attachment.content).decode(),
            "content_type": attachment.content_type,
        }
        return fields | ({"content_id": attachment.content_id} if attachment.content_id else {})

    def may_share_call(self, message: Message) -> bool:
        """Attachments and schedules get lost in a batch without a word (https://resend.com/docs/dashboard/emails/batch-sending)."""
        return not (message.attachments or message.send_at)

    def request(self, parts: Sequence[bytes]) -> Request:
        if len(parts) == 1:
            return super().request(parts)
        return Request(self.batch_path, b"[" + b",".join(parts) + b"]")

    def accepted(self, answer: Answer) -> Receipt | Verdict:
        """One id, or of a batch all of them in its order: in strict validation it is taken whole or not at all."""
        data = json_body(answer)
        items = data.get("data", [data]) if isinstance(data, dict) else None
        message_ids = tuple(map(_message_id, items)) if isinstance(items, list) else ()
        return Receipt(message_ids) if message_ids and all(message_ids) else UNKNOWN

    def told_limits(self, headers: Mapping[str, str]) -> dict[str, Any]:
        limit = FIRST_NUMBER.match(headers.get("ratelimit-limit") or headers.get("x-ratelimit-limit") or "")
        return {"rate": float(limit[0])} if limit and float(limit[0]) > 0 else {}

    def refine(self, verdict: Verdict, status: int, said: str) -> Verdict:
        if status == 409:
            return verdict_on_conflict(said)
        if status in (400, 401, 403) and KEY_TROUBLE.search(said):
            return NEEDS_A_PERSON
        return verdict


def iso(moment: datetime) -> str:
    """With milliseconds: microseconds are refused."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message_id(item: Any) -> str:
    message_id = item.get("id") if isinstance(item, dict) else None
    return message_id if isinstance(message_id, str) else ""


def _tags(message: Message) -> list[dict[str, str]]:
    """Our id, which comes back in every event, and the message's tags as far as Resend's characters allow."""
    fitting = {tag: "true" for tag in message.tags if TAG_CHARACTERS.fullmatch(tag)}
    return [{"name": name, "value": value} for name, value in {**fitting, MESSAGE_TAG: str(message.id)}.items()]


def _canonical(content_type: str) -> str:
    return SAME_TYPES.get(content_type, content_type)
