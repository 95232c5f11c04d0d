"""Sequenzy's outbound webhooks: https://docs.sequenzy.com/api-reference/webhooks/outbound

The documentation leaves parts of the signature and many fields open. For those, this module follows what integrations
with the live service do, and accepts the other plausible forms.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings

from common import webhooks
from emails.tracking import values
from emails.tracking.event import ReportedEvent, Severity, Type, fingerprint
from emails.webhooks.receiver import MalformedPayload, Receiver

logger = logging.getLogger(__name__)

PREFIX = "whsec_"

# https://docs.sequenzy.com/api-reference/webhooks/outbound, "Event types"
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
# The values of bounce_type and bounce_classification aren't documented, so the usual words for a soft bounce count.
SOFT_BOUNCE = re.compile(r"soft|transient|temporary", re.IGNORECASE)


class SequenzyReceiver(Receiver):
    """Receives requests that contain one event each.

    It isn't documented how the secret becomes a key, or how the digest is encoded. Live integrations use the whole
    secret as text, and a hexadecimal digest. This receiver also accepts base64 for both. After the first event, the log
    names the form of the key that matched, and SEQUENZY_WEBHOOK_KEY can then rule out the other.
    """

    provider = "sequenzy"
    variable = "SEQUENZY_WEBHOOK_SECRETS"

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        """Try every form of every secret, and log the form that matched."""
        timestamp = headers.get("X-Sequenzy-Timestamp", "")
        tolerance = timedelta(seconds=settings.SEQUENZY_WEBHOOK_TOLERANCE_SECONDS)
        if not webhooks.is_fresh(timestamp, now, past=tolerance, future=tolerance):
            return False
        signed = f"v1:{timestamp}:".encode() + body
        signatures = [*read_signatures(headers.get("X-Sequenzy-Signature", ""))][: webhooks.MAX_SIGNATURES]
        for form, key in (pair for secret in self.secrets for pair in keys_of(secret)):
            if is_signed(signatures, webhooks.hmac_sha256(key, signed)):
                log_form(form)
                return True
        return False

    def problem_with(self, secret: str) -> str:
        return (
            ""
            if any(keys_of(secret))
            else f"it is not {PREFIX} followed by base64, which SEQUENZY_WEBHOOK_KEY requires"
        )

    def items(self, payload: Any) -> list[Any]:
        if not isinstance(payload, dict):
            raise MalformedPayload("Expected a JSON object with one event.")
        return [payload]

    def event(self, item: dict[str, Any]) -> ReportedEvent:
        """Translate one event."""
        data = values.nested(item, "data")
        created_at = item.get("created_at")
        type_ = TYPES.get(item["type"], Type.OTHER)
        # Sequenzy's ID of the message, because its events don't contain ours. data.message_id is the ID of a mail
        # server behind Sequenzy, and the API never returns it.
        message_id = values.identifier(data.get("email_send_id"))
        # Live events about subscribers have been seen with a flat and with a nested email address.
        subscriber = values.nested(data, "subscriber")
        recipient = values.address(data.get("recipient") or data.get("email") or subscriber.get("email"))
        link = data.get("url") or data.get("link")
        return ReportedEvent(
            provider=self.provider,
            type=type_,
            severity=severity(data) if type_ == Type.BOUNCED else "",
            provider_message_id=message_id,
            recipient=recipient,
            occurred_at=values.timestamp(created_at),
            detail=detail(data),
            raw=values.storable(item),
            fingerprint=fingerprint(item, message_id, recipient, item["type"], created_at, link),
        )


def severity(data: Mapping[str, Any]) -> str:
    # Hard unless the event names a soft bounce. A delay has a type of its own, email.delivery_delayed.
    return Severity.SOFT if SOFT_BOUNCE.search(bounce_type(data)) else Severity.HARD


def bounce_type(data: Mapping[str, Any]) -> str:
    return values.joined_text(data.get("bounce_type"), data.get("bounce_classification"))


def detail(data: Mapping[str, Any]) -> str:
    failure = values.nested(data, "failure")
    reason = data.get("bounce_reason") or data.get("reason")
    return values.joined_text(bounce_type(data), reason, failure.get("code"), failure.get("message"))


def read_signatures(header: str) -> Iterator[str]:
    """Return the digests of ``v1=…`` items, which are separated by commas or spaces.

    Splits at the first ``=`` only, because base64 may end in one.
    """
    for item in re.split(r"[,\s]+", header):
        name, _, value = item.partition("=")
        if name == "v1" and value:
            yield value


def is_signed(signatures: list[str], digest: bytes) -> bool:
    return any(webhooks.is_base64_of(one, digest) or webhooks.is_hex_of(one, digest) for one in signatures)


def keys_of(secret: str) -> Iterator[tuple[str, bytes]]:
    """Return the forms of the secret that SEQUENZY_WEBHOOK_KEY allows: each form's name, and the key."""
    form = settings.SEQUENZY_WEBHOOK_KEY
    if form in ("auto", "text"):
        yield "text", secret.encode()
    decoded_key = webhooks.decode_base64(secret.removeprefix(PREFIX))
    if form in ("auto", "base64") and secret.startswith(PREFIX) and decoded_key:
        yield "base64", decoded_key


# Cached, so each process logs this only once.
@cache
def log_form(form: str) -> None:
    logger.info(
        "Sequenzy's webhook secret is used as %s. To accept only that, set SEQUENZY_WEBHOOK_KEY=%s.", form, form
    )
