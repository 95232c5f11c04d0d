"""SendGrid's Event Webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from common import webhooks
from emails.backends.sendgrid import MESSAGE_ARGUMENT
from emails.tracking.event import (
    Cause,
    Event,
    Severity,
    Type,
    address,
    fingerprint,
    identifier,
    joined,
    moment,
    storable,
    text,
    uuid,
)
from emails.webhooks.receiver import MalformedPayload, Receiver

# Nobody says whether a retry, up to a day later, has a new time. That each event counts once makes a replay harmless.
OLDEST = timedelta(hours=25)
FUTURE = timedelta(minutes=5)
TYPES = {
    "processed": Type.SENT,
    "delivered": Type.DELIVERED,
    "deferred": Type.DEFERRED,
    "bounce": Type.BOUNCED,
    "dropped": Type.REJECTED,
    "spamreport": Type.COMPLAINED,
    "unsubscribe": Type.UNSUBSCRIBED,
    "group_unsubscribe": Type.UNSUBSCRIBED,
    "group_resubscribe": Type.RESUBSCRIBED,
    "open": Type.OPENED,
    "click": Type.CLICKED,
}
DROPPED_AS_SUPPRESSED = {
    "bounced address": Cause.HARD_BOUNCE,
    "spam reporting address": Cause.COMPLAINT,
    "unsubscribed address": "",
}


class SendGridReceiver(Receiver):
    """Comes in batches, of many messages and types, with our own arguments at the top level of each event."""

    provider = "sendgrid"
    variable = "SENDGRID_WEBHOOK_PUBLIC_KEYS"

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        timestamp = headers.get("X-Twilio-Email-Event-Webhook-Timestamp", "")
        signature = webhooks.decode_base64(headers.get("X-Twilio-Email-Event-Webhook-Signature", ""))
        if not signature or not webhooks.is_fresh(timestamp, now, past=OLDEST, future=FUTURE):
            return False
        return any(is_signed(key, signature, timestamp.encode() + body) for key in self.secrets)

    def trouble_with(self, secret: str) -> str:
        return "" if public_key(secret) else "it is not a P-256 key in base64, as SendGrid shows it"

    def items(self, payload: Any) -> list[Any]:
        if not isinstance(payload, list):
            raise MalformedPayload("A JSON array of events is expected.")
        return payload

    def event(self, item: dict[str, Any]) -> Event:
        name = text(item.get("event"))
        kind, cause = kind_of(item, name)
        recipient = address(item.get("email"))
        ours, theirs = text(item.get(MESSAGE_ARGUMENT)), identifier(item.get("sg_message_id"))
        return Event(
            provider=self.provider,
            type=kind,
            severity=severity(item) if kind == Type.BOUNCED else "",
            message_id=uuid(ours),
            provider_message_id=theirs,
            recipient=recipient,
            occurred_at=moment(item.get("timestamp")),
            detail=joined(
                item.get("status"), item.get("bounce_classification"), item.get("reason") or item.get("response")
            ),
            cause=cause,
            raw=storable(item),
            fingerprint=fingerprint(
                item, ours or theirs, recipient, name, text(item.get("timestamp")), item.get("url"), item.get("attempt")
            ),
        )


def kind_of(item: Mapping[str, Any], name: str) -> tuple[Type, str]:
    """The type, and why SendGrid's own suppression list holds the address, where that is what the event says."""
    reason = text(item.get("reason")).strip().lower()
    if name == "dropped" and reason in DROPPED_AS_SUPPRESSED:
        return Type.SUPPRESSED, DROPPED_AS_SUPPRESSED[reason]
    return TYPES.get(name, Type.OTHER), ""


def severity(item: Mapping[str, Any]) -> str:
    """`type` decides; without it the status, which is missing where a name server failed."""
    if item.get("type") in ("bounce", "blocked"):
        return Severity.HARD if item["type"] == "bounce" else Severity.SOFT
    is_invalid = text(item.get("bounce_classification")).lower() == "invalid address"
    return Severity.HARD if is_invalid or text(item.get("status")).startswith("5") else Severity.SOFT


def is_signed(key: str, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # heavy, and for SendGrid only
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    public = public_key(key)
    if public is None:
        return False
    try:
        public.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


@cache
def public_key(text: str) -> Any:
    """The key, None where this is none of SendGrid's kind."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        key = load_der_public_key(webhooks.decode_base64(text))
    except ValueError:
        return None
    return key if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1) else None
