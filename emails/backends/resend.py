"""Resend's format: https://resend.com/docs/api-reference/emails/send-email

Resend accepts some messages that it then never delivers, or delivers without a part. This module refuses such messages,
or sends them in another call. "Observed" below means observed by django-anymail's tests against the live API.
"""

import logging
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from common.http.pool import Response
from emails.backends.api import ApiBackend, inline_id
from emails.backends.base import Acceptance, Request
from emails.backends.classification import NEEDS_A_PERSON, UNKNOWN, FailureKind, classify_conflict
from emails.backends.client import json_body
from emails.message import Message
from emails.message.attachments import Attachment
from emails.message.files import is_same_type, type_by_name

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

logger = logging.getLogger(__name__)


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
        self._refuse(message)
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
            "attachments": [self._attachment(*numbered) for numbered in enumerate(message.attachments)],
        }
        return payload | {field: value for field, value in optional.items() if value}

    def _refuse(self, message: Message) -> None:
        self.refuse_alternatives(message)
        for name in ("track_clicks", "track_opens"):
            if getattr(message, name) is not None:
                raise self.unsupported(name, "set tracking for the sending domain in Resend's dashboard.")

    def _attachment(self, number: int, attachment: Attachment) -> dict[str, str]:
        """Return the JSON object of one file. Raises UnsupportedFeature."""
        if attachment.fitting_type:  # nobody chose the type, so the one that fits the name is as good
            attachment = replace(attachment, content_type=attachment.fitting_type)
        # Observed: if a file's extension contradicts its type, Resend accepts the email and never delivers it.
        expected = "" if attachment.is_unnamed else type_by_name(attachment.filename)
        if expected and not is_same_type(expected, attachment.content_type):
            raise self.unsupported(
                f"the file {attachment.filename!r} as {attachment.content_type}",
                f"a file with that name must be {expected} (text in UTF-8). Otherwise, rename it.",
            )
        if len(attachment.content_id) > MAX_CONTENT_ID_LENGTH:
            raise self.unsupported("a Content-ID of 128 characters or more", "make it shorter.")
        fields = {
            "filename": attachment.filename,
            "content": b64encode(attachment.content).decode(),
            "content_type": attachment.type_with_charset,
        }
        # To Resend, a file with a Content-ID is inline.
        return fields | ({"content_id": inline_id(number, attachment)} if attachment.is_inline else {})

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
    own = {MESSAGE_TAG: str(message.id)}
    fitting = {tag: "true" for tag in message.tags if TAG_CHARACTERS.fullmatch(tag) and tag not in own}
    dropped = [tag for tag in message.tags if tag not in fitting]
    if dropped:
        logger.warning(
            "Message %s goes to Resend without the tags %s, which Resend doesn't accept.", message.id, dropped
        )
    return [{"name": name, "value": value} for name, value in {**fitting, **own}.items()]
