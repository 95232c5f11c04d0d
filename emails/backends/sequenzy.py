"""Sequenzy's format: https://docs.sequenzy.com/api-reference (POST /transactional/send)"""

import re
from base64 import b64encode
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.html import escape

from common.http.pool import Response
from emails.backends.api import ApiBackend
from emails.backends.base import Acceptance
from emails.backends.classification import NEEDS_A_PERSON, REFUSED, UNKNOWN, FailureKind, classify_conflict
from emails.backends.client import json_body
from emails.message import Message
from emails.message.attachments import Attachment

# Documented limits. An older page of Sequenzy's allows 40 MB, but the newer one only 7 MB.
MAX_FILES = 10
MAX_FILE_BYTES = 7_000_000
PLACEHOLDER_START = re.compile(r"\{(?=\{)")
ZERO_WIDTH_SPACE = "\u200b"
LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]")
TRACKING_OFF = {"clickTracking": False, "openTracking": False}


class SequenzyBackend(ApiBackend):
    """Sends through Sequenzy, which carries only HTML: a text without HTML is converted, a text beside it dropped.

    Tags and metadata are not sent. The setting SEQUENZY_DROPPED_HEADERS lists headers that may be dropped as well.

    Sequenzy silently replaces a ``from`` whose domain is not verified with the account's default sender. With
    SEQUENZY_STRICT_SENDER, ``fromEmail`` and ``fromName`` are sent instead, which must match a sender profile.
    """

    name = "sequenzy"
    path = "/transactional/send"
    default_rate = 100 / 60  # documented as 100 per minute; responses don't report a limit
    echoes_message_id = False
    poll_after = timedelta(hours=1)
    key_lifetime = timedelta(days=14)
    max_bytes = 40_000_000

    def payload(self, message: Message) -> dict[str, Any]:
        """Return the JSON object of one email."""
        self._refuse(message)
        optional = {
            "cc": [address.email for address in message.cc],
            "bcc": [address.email for address in message.bcc],
            "replyTo": without_placeholders("".join(str(address) for address in message.reply_to)),
            "attachments": [_attachment(attachment) for attachment in message.attachments],
            "trackingSettings": {} if message.track else TRACKING_OFF,
        }
        return {
            "to": [address.email for address in message.to],
            "subject": without_placeholders(message.subject),
            "body": (message.html or html_of(message.text)).replace("{{", "&#123;&#123;"),
            **_sender(message),
            **{field: value for field, value in optional.items() if value},
        }

    def _refuse(self, message: Message) -> None:
        self.refuse_alternatives(message)
        if not message.subject:
            raise self.cannot("an empty subject", "give the message a subject.")
        if self.scheduled(message, at_most=timedelta.max):
            raise self.cannot("a send_at", "send it through the outbox, which waits until then.")
        if len(message.reply_to) > 1:
            raise self.cannot("more than one reply_to email address", "use only one.")
        dropped = {name.lower() for name in settings.SEQUENZY_DROPPED_HEADERS}
        headers = [name for name, _ in message.headers if name.lower() not in dropped]
        if headers:
            raise self.cannot(
                f"headers ({', '.join(headers)})", "leave them out, or list them in SEQUENZY_DROPPED_HEADERS."
            )
        self._refuse_files(message)

    def _refuse_files(self, message: Message) -> None:
        if len(message.attachments) > MAX_FILES:
            raise self.cannot(f"{len(message.attachments)} attachments", f"attach at most {MAX_FILES}.")
        if sum(len(attachment.content) for attachment in message.attachments) > MAX_FILE_BYTES:
            raise self.cannot("attachments of more than 7 MB", "link to the files instead.")

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        data = json_body(response)
        if not isinstance(data, dict):
            return UNKNOWN
        if data.get("success") is False or data.get("error"):
            return REFUSED
        message_id = data.get("emailSendId") or data.get("jobId") or ""
        if data.get("success") is True or message_id:
            return Acceptance((str(message_id),))
        return UNKNOWN

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        if status == 409:
            return classify_conflict(text)
        return NEEDS_A_PERSON if status == 403 else failure


def _sender(message: Message) -> dict[str, str]:
    sender = message.from_email
    if not settings.SEQUENZY_STRICT_SENDER:
        return {"from": without_placeholders(str(sender))}
    return {"fromEmail": sender.email} | ({"fromName": sender.name} if sender.name else {})


def without_placeholders(text: str) -> str:
    """Return the text with every `{{` broken up by an invisible character.

    Sequenzy would replace what follows as one of its placeholders, even if a customer typed it.
    """
    return PLACEHOLDER_START.sub("{" + ZERO_WIDTH_SPACE, text)


def html_of(text: str) -> str:
    """Return the text as HTML that looks the same: with its line breaks and clickable links, the rest escaped."""
    parts = []
    position = 0
    for link in LINK.finditer(text):
        url = escape(link[0])
        parts += [escape(text[position : link.start()]), f'<a href="{url}">{url}</a>']
        position = link.end()
    parts.append(escape(text[position:]))
    lines = "".join(parts).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "<div>" + "<br>\n".join(lines) + "</div>"


def _attachment(attachment: Attachment) -> dict[str, str]:
    fields = {
        "filename": attachment.filename,
        "content": b64encode(attachment.content).decode(),
        "contentType": attachment.content_type,
    }
    return fields | ({"contentId": attachment.content_id} if attachment.content_id else {})
