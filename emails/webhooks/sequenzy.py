"""Sequenzy's outbound webhooks: https://docs.sequenzy.com/api-reference/webhooks/outbound"""

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings

from common import webhooks
from emails.tracking.event import (
    Event,
    Severity,
    Type,
    address,
    fingerprint,
    identifier,
    inner,
    joined,
    moment,
    storable,
)
from emails.webhooks.receiver import MalformedPayload, Receiver

logger = logging.getLogger(__name__)

PREFIX = "whsec_"
SOFT = re.compile(r"soft|transient|temporary", re.IGNORECASE)
TYPES = {
    "email.sent": Type.SENT,
    "email.delivered": Type.DELIVERED,
    "email.delivery_delayed": Type.DEFERRED,
    "email.bounced": Type.BOUNCED,
    "email.failed": Type.REJECTED,
    "email.complained": Type.COMPLAINED,
    "email.opened": Type.OPENED,
    "email.clicked": Type.CLICKED,
    "email.unsubscribed": Type.UNSUBSCRIBED,
    "subscriber.unsubscribed": Type.UNSUBSCRIBED,
    "subscriber.invalid": Type.REJECTED,
}


class SequenzyReceiver(Receiver):
    """The documentation says neither what the key is made of nor how the digest is written.

    Live integrations take the whole secret as text and hexadecimal digits; the other forms are accepted too, until
    SEQUENZY_WEBHOOK_KEY says which one it is.
    """

    provider = "sequenzy"
    variable = "SEQUENZY_WEBHOOK_SECRETS"

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        timestamp = headers.get("X-Sequenzy-Timestamp", "")
        tolerance = timedelta(seconds=settings.SEQUENZY_WEBHOOK_TOLERANCE_SECONDS)
        if not webhooks.is_fresh(timestamp, now, past=tolerance, future=tolerance):
            return False
        signed = f"v1:{timestamp}:".encode() + body
        given = [*signatures(headers.get("X-Sequenzy-Signature", ""))][: webhooks.MAX_SIGNATURES]
        for form, key in (pair for secret in self.secrets for pair in keys_of(secret)):
            digest = webhooks.hmac_sha256(key, signed)
            if any(webhooks.is_base64_of(one, digest) or webhooks.is_hex_of(one, digest) for one in given):
                tell_form(form)
                return True
        return False

    def trouble_with(self, secret: str) -> str:
        return "" if any(keys_of(secret)) else f"it is not {PREFIX} and base64, as SEQUENZY_WEBHOOK_KEY wants it"

    def items(self, payload: Any) -> list[Any]:
        if not isinstance(payload, dict):
            raise MalformedPayload("A JSON object with one event is expected.")
        return [payload]

    def event(self, item: dict[str, Any]) -> Event:
        data = inner(item, "data")
        name = item["type"]
        kind = TYPES.get(name, Type.OTHER)
        failure = inner(data, "failure")
        message = identifier(data.get("email_send_id"))
        recipient = address(data.get("recipient") or data.get("email") or inner(data, "subscriber").get("email"))
        bounce = joined(data.get("bounce_type"), data.get("bounce_classification"))
        return Event(
            provider=self.provider,
            type=kind,
            severity=severity(kind, bounce),
            provider_message_id=message,
            recipient=recipient,
            occurred_at=moment(item.get("created_at")),
            detail=joined(
                bounce, data.get("bounce_reason") or data.get("reason"), failure.get("code"), failure.get("message")
            ),
            raw=storable(item),
            fingerprint=fingerprint(item, message, recipient, name, item.get("created_at"), link(data)),
        )


def severity(kind: Type, bounce: str) -> str:
    if kind != Type.BOUNCED:
        return ""
    return Severity.SOFT if SOFT.search(bounce) else Severity.HARD


def link(data: Mapping[str, Any]) -> Any:
    return data.get("url") or data.get("link")


def signatures(header: str) -> Iterator[str]:
    """The digests of ``v1=…`` items, separated by commas or spaces; base64 ends in ``=`` too."""
    for item in re.split(r"[,\s]+", header):
        name, _, value = item.partition("=")
        if name == "v1" and value:
            yield value


def keys_of(secret: str) -> Iterator[tuple[str, bytes]]:
    form = settings.SEQUENZY_WEBHOOK_KEY
    if form in ("auto", "text"):
        yield "text", secret.encode()
    decoded_key = webhooks.decode_base64(secret.removeprefix(PREFIX))
    if form in ("auto", "base64") and secret.startswith(PREFIX) and decoded_key:
        yield "base64", decoded_key


@cache
def tell_form(form: str) -> None:
    logger.info("Sequenzy's webhook secret is used as %s: SEQUENZY_WEBHOOK_KEY=%s accepts nothing else.", form, form)
