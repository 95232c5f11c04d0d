"""Sequenzy's format: https://docs.sequenzy.com/api-reference (POST /transactional/send)

Sequenzy can carry less of an email than the other providers, so most of this module refuses messages that would lose a
part. It also fills in placeholders, although Django has already rendered the message, so braces must be protected.
"""

import re
from base64 import b64encode
from datetime import timedelta
from typing import Any

from django.conf import settings

from common.http.pool import Response
from emails.backends.api import ApiBackend, inline_id
from emails.backends.base import Acceptance
from emails.backends.classification import NEEDS_A_PERSON, REFUSED, UNKNOWN, FailureKind, classify_conflict
from emails.backends.client import json_body
from emails.backends.text_as_html import html_of
from emails.message import Message
from emails.message.attachments import Attachment

# A page of Sequenzy's documentation allows 40 MB, but its newer SDKs allow 10 files and 7 MB.
MAX_FILES = 10
MAX_FILE_BYTES = 7_000_000
# The first of two braces. The lookahead also finds overlapping pairs, as in "{{{".
PLACEHOLDER_START = re.compile(r"\{(?=\{)")
ZERO_WIDTH_SPACE = "\u200b"


class SequenzyBackend(ApiBackend):
    """Sends through Sequenzy, which has fields only for HTML.

    A plain text is dropped if there is HTML, and otherwise converted to HTML. Tags and metadata stay in the outbox,
    because Sequenzy has no fields for them. It has none for headers either. A message with headers is refused, except
    those that the setting SEQUENZY_DROPPED_HEADERS allows to drop.
    """

    name = "sequenzy"
    path = "/transactional/send"
    # Sequenzy documents 100 calls per minute and key. Its responses report no limit.
    default_rate = 100 / 60
    # No field of an email is repeated in its events, so they can't contain our message ID.
    echoes_message_id = False
    # Sequenzy accepts emails to suppressed addresses, drops them, and sends no event (emails/delivery/polling.py).
    poll_after = timedelta(hours=1)
    key_lifetime = timedelta(days=14)
    max_bytes = 40_000_000

    def payload(self, message: Message) -> dict[str, Any]:
        """Return the JSON object of one email. Raises UnsupportedFeature."""
        self._refuse(message)
        # Only bare addresses are documented for recipients, so their display names are dropped.
        optional = {
            "cc": [address.email for address in message.cc],
            "bcc": [address.email for address in message.bcc],
            "replyTo": without_placeholders("".join(str(address) for address in message.reply_to)),
            "attachments": [self._attachment(*numbered) for numbered in enumerate(message.attachments)],
            "trackingSettings": self._tracking_settings(message),
        }
        return {
            "to": [address.email for address in message.to],
            "subject": without_placeholders(message.subject),
            # See without_placeholders(). In HTML, entities can replace the braces.
            "body": (message.html or html_of(message.text)).replace("{{", "&#123;&#123;"),
            **_sender(message),
            **{field: value for field, value in optional.items() if value},
        }

    def _refuse(self, message: Message) -> None:
        self.refuse_alternatives(message)
        if not message.subject:
            raise self.unsupported("an empty subject", "give the message a subject.")
        if self.scheduled(message, at_most=timedelta.max):
            raise self.unsupported("a send_at", "send it through the outbox, which waits until then.")
        if len(message.reply_to) > 1:
            raise self.unsupported("more than one reply_to email address", "use only one.")
        dropped = {name.lower() for name in settings.SEQUENZY_DROPPED_HEADERS}
        headers = [name for name, _ in message.headers if name.lower() not in dropped]
        if headers:
            raise self.unsupported(
                f"headers ({', '.join(headers)})", "leave them out, or list them in SEQUENZY_DROPPED_HEADERS."
            )
        self._refuse_files(message)

    def _refuse_files(self, message: Message) -> None:
        if len(message.attachments) > MAX_FILES:
            raise self.unsupported(f"{len(message.attachments)} attachments", f"attach at most {MAX_FILES}.")
        if sum(len(attachment.content) for attachment in message.attachments) > MAX_FILE_BYTES:
            raise self.unsupported("attachments of more than 7 MB", "link to the files instead.")

    def _tracking_settings(self, message: Message) -> dict[str, bool]:
        clicks, opens = self.tracking(message)
        # These settings can switch tracking off for an email, but not on.
        if clicks or opens:
            raise self.unsupported("track_clicks or track_opens set to True", "set tracking in Sequenzy's settings.")
        settings = {"clickTracking": clicks, "openTracking": opens}
        return {name: value for name, value in settings.items() if value is not None}

    def _attachment(self, number: int, attachment: Attachment) -> dict[str, str]:
        """Return the JSON object of one file. Raises UnsupportedFeature."""
        fields = {
            "filename": attachment.filename,
            "content": b64encode(attachment.content).decode(),
            "contentType": self.bare_type(attachment),
        }
        # To Sequenzy, a file with a Content-ID that the HTML refers to is inline.
        return fields | ({"contentId": inline_id(number, attachment)} if attachment.is_inline else {})

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        """Return the acceptance with Sequenzy's message ID, or what the response means instead."""
        data = json_body(response)
        if not isinstance(data, dict):
            return UNKNOWN
        # Sequenzy also reports failures with the status 200.
        if data.get("success") is False or data.get("error"):
            return REFUSED
        # Events contain emailSendId. Older pages document only jobId, which no event contains.
        message_id = data.get("emailSendId") or data.get("jobId") or ""
        if data.get("success") is True or message_id:
            return Acceptance((str(message_id),))
        return UNKNOWN

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        if status == 409:
            return classify_conflict(text)
        # Sequenzy documents 403 for a key that lacks a scope, for another company's key, and for a blocked account.
        return NEEDS_A_PERSON if status == 403 else failure


def _sender(message: Message) -> dict[str, str]:
    sender = message.from_email
    # Sequenzy silently replaces ``from`` with the account's default sender if its domain isn't verified. ``fromEmail``
    # must match an existing sender profile, so a wrong sender becomes an error.
    if not settings.SEQUENZY_STRICT_SENDER:
        return {"from": without_placeholders(str(sender))}
    return {"fromEmail": sender.email} | ({"fromName": sender.name} if sender.name else {})


def without_placeholders(text: str) -> str:
    """Return the text with an invisible character between two braces.

    Sequenzy fills in placeholders such as ``{{EMAIL}}``, even in text that a customer typed, and replaces unknown ones
    with nothing. It documents this for the body. Whether it also applies to other fields is unknown, so they are
    protected as well, with a character instead of an entity because they aren't HTML.
    """
    return PLACEHOLDER_START.sub("{" + ZERO_WIDTH_SPACE, text)
