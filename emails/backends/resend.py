"""Resend's format: https://resend.com/docs/api-reference/emails/send-email

Resend accepts some messages that it then never delivers, or delivers without a part. This module refuses such messages,
or sends them in another call. "Observed" below means observed by django-anymail's tests against the live API.
"""

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

# https://resend.com/docs/api-reference/emails/send-email: the characters and the length of a tag, and the schedule's
# limit.
TAG_CHARACTERS = re.compile(r"[A-Za-z0-9_-]{1,256}")
MAX_SCHEDULE = timedelta(days=30)
# The tag that contains our message ID. Resend's events repeat all tags, so they can be matched by it.
MESSAGE_TAG = "message_id"
# The sources agree only that it must stay below 128.
MAX_CONTENT_ID_LENGTH = 127
# ratelimit-limit follows draft 6 of the IETF's rate limit headers, in which more values may follow the first number.
FIRST_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
# Errors of the account, which affect every message. Resend has reported an invalid key as 400, 401, and 403, and as
# ``validation_error``, so only the text is reliable. 1010 is its edge servers' code for a call without a User-Agent
# (https://resend.com/docs/knowledge-base/403-error-1010).
ACCOUNT_ERROR = re.compile(r"api[ _]key|invalid_permission|\b1010\b", re.IGNORECASE)
# Python's own table. The default one also reads files of the machine, so its results would differ between machines.
KNOWN_TYPES = mimetypes.MimeTypes()
# Other names of a type. They must not count as a contradiction between a file's name and its type.
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

    Click tracking is a setting of the sending domain, not of a message. Send emails that contain login or reset links
    from a domain without it, or the links run through Resend's redirect.

    A message's metadata is not sent. Resend has no field for it, and a header would be visible to recipients.
    """

    name = "resend"
    path = "/emails"
    batch_path = "/emails/batch"
    batch_limit = 100
    # Resend's own sources disagree: 2, 5, or 10 calls per second. The lowest is safe until a response reports the
    # limit.
    default_rate = 2.0
    # https://resend.com/docs/dashboard/emails/idempotency-keys
    key_lifetime = timedelta(hours=24)
    # Documented as 40 MB after base64.
    max_bytes = 40_000_000
    reset_headers = ("ratelimit-reset", "x-ratelimit-reset")

    def payload(self, message: Message) -> dict[str, Any]:
        """Return the JSON object of one email, without empty fields. Raises UnsupportedFeature."""
        self.refuse_alternatives(message)
        payload: dict[str, Any] = {
            "from": str(message.from_email),
            "to": [str(address) for address in message.to],
            "subject": message.subject,
            # Sent even if empty. Without this field, Resend generates a text from the HTML.
            "text": message.text,
            "tags": _tags(message),
        }
        send_at = self.scheduled(message, at_most=MAX_SCHEDULE)
        # Observed: Resend doesn't support both together. Its documentation doesn't say whether that has changed.
        if send_at and message.attachments:
            raise self.unsupported("attachments with a send_at", "send it through the outbox, which waits until then.")
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
        """Return the JSON object of one file. Raises UnsupportedFeature."""
        # Observed: if a file's extension contradicts its type, Resend accepts the email and never delivers it.
        expected, _ = KNOWN_TYPES.guess_type(attachment.filename)
        if expected and _canonical(expected) != _canonical(attachment.content_type):
            raise self.unsupported(
                f"the file {attachment.filename!r} as {attachment.content_type}",
                f"a file with that name must be {expected} (text in UTF-8). Otherwise, rename it.",
            )
        if len(attachment.content_id) > MAX_CONTENT_ID_LENGTH:
            raise self.unsupported("a Content-ID of 128 characters or more", "make it shorter.")
        fields = {
            "filename": attachment.filename,
            "content": b64encode(attachment.content).decode(),
            "content_type": attachment.content_type,
        }
        return fields | ({"content_id": attachment.content_id} if attachment.content_id else {})

    def may_share_call(self, message: Message) -> bool:
        """Return whether the message has neither attachments nor a schedule."""
        # A batch supports neither (https://resend.com/docs/dashboard/emails/batch-sending). Resend doesn't refuse such
        # a batch but silently ignores both.
        return not (message.attachments or message.send_at)

    def request(self, parts: Sequence[bytes]) -> Request:
        if len(parts) == 1:
            return super().request(parts)
        return Request(self.batch_path, b"[" + b",".join(parts) + b"]")

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        """Read the ID of one message, or the IDs of a batch, which are in the order of its messages."""
        # In the default mode ("strict"), a batch is accepted or refused as a whole, so an acceptance has all IDs. If
        # one is missing, nobody knows what Resend did.
        data = json_body(response)
        items = data.get("data", [data]) if isinstance(data, dict) else None
        message_ids = tuple(map(_message_id, items)) if isinstance(items, list) else ()
        return Acceptance(message_ids) if message_ids and all(message_ids) else UNKNOWN

    def limits_after_success(self, headers: Mapping[str, str]) -> dict[str, Any]:
        # The documentation names ratelimit-limit. A test of Resend's Python SDK uses the name with "x-".
        limit = FIRST_NUMBER.match(headers.get("ratelimit-limit") or headers.get("x-ratelimit-limit") or "")
        return {"rate": float(limit[0])} if limit and float(limit[0]) > 0 else {}

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        if status == 409:
            return classify_conflict(text)
        if status in (400, 401, 403) and ACCOUNT_ERROR.search(text):
            return NEEDS_A_PERSON
        return failure


def iso(moment: datetime) -> str:
    """Return the time with milliseconds. Observed: Resend rejects microseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message_id(item: Any) -> str:
    message_id = item.get("id") if isinstance(item, dict) else None
    return message_id if isinstance(message_id, str) else ""


def _tags(message: Message) -> list[dict[str, str]]:
    """Return the message's tags and our message ID. Tags with other characters than Resend allows are left out."""
    fitting = {tag: "true" for tag in message.tags if TAG_CHARACTERS.fullmatch(tag)}
    return [{"name": name, "value": value} for name, value in {**fitting, MESSAGE_TAG: str(message.id)}.items()]


def _canonical(content_type: str) -> str:
    return SAME_TYPES.get(content_type, content_type)
