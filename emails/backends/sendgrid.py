"""SendGrid's format: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send

SendGrid has no idempotency keys. If the outcome of a call is unknown, only an event can reveal that the email was sent,
so every message carries our message ID as a custom argument, which SendGrid repeats in the message's events.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from common.http.pool import Response
from common.http.retry_after import retry_after, wait_until_epoch
from emails.backends.api import ApiBackend, inline_id
from emails.backends.base import Acceptance
from emails.backends.classification import NEEDS_A_PERSON, UNKNOWN, FailureKind
from emails.message import Address, Message
from emails.message.attachments import Attachment

# SendGrid merges custom arguments into the top level of an event and overwrites those that have the name of a field of
# its own. The prefix avoids such names.
ARGUMENT_PREFIX = "app_"
MESSAGE_ARGUMENT = f"{ARGUMENT_PREFIX}message_id"

# The limits of https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations
# SendGrid also forbids the headers in ENVELOPE_AND_MIME_HEADERS, which ApiBackend refuses for every provider.
FORBIDDEN_HEADERS = frozenset({"x-sg-id", "x-sg-eid", "received", "dkim-signature"})
MAX_RECIPIENTS = 1000
MAX_CATEGORIES = 10
MAX_CATEGORY_LENGTH = 255
MAX_ARGUMENT_BYTES = 10_000
MAX_SCHEDULE = timedelta(hours=72)
CONTENT_ORDER = {"text/plain": 0, "text/html": 1}
# The same page rules out commas and semicolons in names. It also rules out non-ASCII names, but those are accepted
# (observed by django-anymail), so only the punctuation is removed.
WITHOUT_COMMAS_AND_SEMICOLONS = str.maketrans("", "", ",;")

# Without this, SendGrid would drop even a password reset to a person who unsubscribed from marketing, because its list
# of unsubscribed people is for all email. Bounces and spam reports still count.
REACH_UNSUBSCRIBED = {"bypass_unsubscribe_management": {"enable": True}}


class SendGridBackend(ApiBackend):
    """Sends through SendGrid, one message per call.

    The API offers calls with several recipients of the same content, but not with several different messages.
    """

    name = "sendgrid"
    path = "/mail/send"
    max_recipients = MAX_RECIPIENTS
    # Documented as 30 MB including attachments after base64.
    max_bytes = 30_000_000

    def payload(self, message: Message) -> dict[str, Any]:
        """Return the JSON object of one email. Raises UnsupportedFeature."""
        self._refuse(message)
        send_at = self.scheduled(message, at_most=MAX_SCHEDULE)
        # SendGrid sends a copy per personalization. All recipients are in one, so they see each other in To and Cc, as
        # in any other email.
        recipients = {"to": message.to, "cc": message.cc, "bcc": message.bcc}
        personalization: dict[str, Any] = {field: _people(people) for field, people in recipients.items() if people}
        personalization["custom_args"] = self._arguments(message)
        optional = {
            "reply_to_list": _people(message.reply_to),
            "attachments": [self._attachment(*numbered) for numbered in enumerate(message.attachments)],
            "headers": dict(message.headers),
            # SendGrid requires the categories to be unique.
            "categories": list(dict.fromkeys(message.tags)),
            "tracking_settings": _tracking_settings(*self.tracking(message)),
            "send_at": int(send_at.timestamp()) if send_at else None,
        }
        return {
            "personalizations": [personalization],
            "from": _person(message.from_email),
            "subject": message.subject,
            "content": _content(message),
            "mail_settings": REACH_UNSUBSCRIBED,
            # SendGrid rejects empty strings, so empty fields are left out.
            **{field: value for field, value in optional.items() if value},
        }

    def _refuse(self, message: Message) -> None:
        if not message.subject:
            raise self.unsupported("an empty subject", "give the message a subject.")
        if len(message.to) + len(message.cc) + len(message.bcc) > MAX_RECIPIENTS:
            raise self.unsupported(f"more than {MAX_RECIPIENTS} recipients", "send several messages.")
        forbidden = [name for name, _ in message.headers if name.lower() in FORBIDDEN_HEADERS]
        if forbidden:
            raise self.unsupported(f"the header {forbidden[0]}", "leave it out, because SendGrid sets it.")
        if any(not attachment.content for attachment in message.attachments):
            raise self.unsupported("an empty file", "leave it out.")
        tags = set(message.tags)
        if len(tags) > MAX_CATEGORIES or any(not 0 < len(tag) <= MAX_CATEGORY_LENGTH for tag in tags):
            raise self.unsupported(
                "these tags", f"use at most {MAX_CATEGORIES} tags of 1 to {MAX_CATEGORY_LENGTH} characters each."
            )

    def _arguments(self, message: Message) -> dict[str, str]:
        """Return the custom arguments: the metadata and our message ID. Raises UnsupportedFeature."""
        arguments = {f"{ARGUMENT_PREFIX}{key}": value for key, value in message.metadata}
        arguments[MESSAGE_ARGUMENT] = str(message.id)
        if sum(len(key.encode()) + len(value.encode()) for key, value in arguments.items()) > MAX_ARGUMENT_BYTES:
            raise self.unsupported(
                f"metadata of more than {MAX_ARGUMENT_BYTES:,} bytes", "store it in your own database."
            )
        return arguments

    def _attachment(self, number: int, attachment: Attachment) -> dict[str, str]:
        """Return the JSON object of one file. Raises UnsupportedFeature."""
        fields = {
            "content": b64encode(attachment.content).decode(),
            "filename": attachment.filename,
            "type": self.bare_type(attachment),
        }
        if not attachment.is_inline:
            return fields | {"disposition": "attachment"}
        return fields | {"disposition": "inline", "content_id": inline_id(number, attachment)}

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        """Read the message ID from a header, because a success has no body."""
        # SendGrid documents 202. Only its sandbox mode, which checks a message without sending it, responds with 200.
        # The body must be empty then, because a page from a proxy may also have the status 200.
        if response.status == 202 or (response.status == 200 and response.body == b""):
            return Acceptance((response.headers.get("X-Message-Id", ""),))
        return UNKNOWN

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        # A 403 is usually about the sender of one message. With this text, it means that the key lacks the permission
        # mail.send, which affects every message (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors).
        if status == 403 and "access forbidden" in text.lower():
            return NEEDS_A_PERSON
        return failure

    def limits_after_success(self, headers: Mapping[str, str]) -> dict[str, Any]:
        # SendGrid's headers report how many calls remain until the reset, but not over how many seconds they may be
        # spread, so no rate can be computed from them.
        if headers.get("X-RateLimit-Remaining") != "0":
            return {}
        return {"cooldown": wait_until_epoch(headers.get("X-RateLimit-Reset"))}

    def wait_after_refusal(self, headers: Mapping[str, str]) -> timedelta | None:
        # X-RateLimit-Reset is a Unix time. SendGrid doesn't document Retry-After, but a proxy may send it.
        return wait_until_epoch(headers.get("X-RateLimit-Reset")) or retry_after(headers)


def _people(addresses: Iterable[Address]) -> list[dict[str, str]]:
    return [_person(address) for address in addresses]


def _person(address: Address) -> dict[str, str]:
    name = address.name.translate(WITHOUT_COMMAS_AND_SEMICOLONS).strip()
    return {"email": address.email, "name": name} if name else {"email": address.email}


def _content(message: Message) -> list[dict[str, str]]:
    bodies = [("text/plain", message.text), ("text/html", message.html)]
    bodies += [(alternative.content_type, alternative.content) for alternative in message.alternatives]
    # SendGrid requires this order: plain text, HTML, everything else. It rejects empty bodies.
    bodies.sort(key=lambda body: CONTENT_ORDER.get(body[0], len(CONTENT_ORDER)))
    return [{"type": content_type, "value": value} for content_type, value in bodies if value]


def _tracking_settings(clicks: bool | None, opens: bool | None) -> dict[str, dict[str, bool]]:
    settings = {} if clicks is None else {"click_tracking": {"enable": clicks, "enable_text": clicks}}
    return settings if opens is None else settings | {"open_tracking": {"enable": opens}}
