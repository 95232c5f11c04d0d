"""SendGrid's Event Webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event

A request contains a batch with events of many messages. Each event names its recipient, and our custom arguments are at
its top level, next to SendGrid's own fields.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from common import webhooks
from emails.backends.sendgrid import MESSAGE_ARGUMENT
from emails.tracking import values
from emails.tracking.event import Cause, ReportedEvent, Severity, Type, fingerprint
from emails.webhooks.receiver import MalformedPayload, Receiver

# SendGrid retries for a day and doesn't document whether a retry gets a new timestamp. Accepting an old signature is
# safe, because a replayed event changes nothing.
PAST_TOLERANCE = timedelta(hours=25)
FUTURE_TOLERANCE = timedelta(minutes=5)

# https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
TYPES = {
    "processed": Type.SENT,
    "delivered": Type.DELIVERED,
    "deferred": Type.DEFERRED,
    "bounce": Type.BOUNCED,
    "blocked": Type.BOUNCED,  # documented only as a type of "bounce"
    "dropped": Type.REJECTED,
    "spamreport": Type.COMPLAINED,
    "unsubscribe": Type.UNSUBSCRIBED,
    "group_unsubscribe": Type.UNSUBSCRIBED,
    "group_resubscribe": Type.RESUBSCRIBED,
    "open": Type.OPENED,
    "click": Type.CLICKED,
}

# The documented reasons of "dropped" that mean that the address is on SendGrid's suppression list, with or without the
# word "address" at the end. An unsubscribe has no cause, because it applies to marketing and must not stop, for
# example, a password reset.
SUPPRESSION_CAUSES = {
    "bounced": Cause.HARD_BOUNCE,
    "spam reporting": Cause.COMPLAINT,
    "unsubscribed": "",
}
# The statuses that say that the mailbox or its domain doesn't exist (RFC 3463 and RFC 7505). All others may be about
# the sender, the content, or the moment.
HARD_STATUSES = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")


class SendGridReceiver(Receiver):
    """Receives requests that contain a batch of events each."""

    provider = "sendgrid"
    variable = "SENDGRID_WEBHOOK_PUBLIC_KEYS"

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        timestamp = headers.get("X-Twilio-Email-Event-Webhook-Timestamp", "")
        # https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
        signature = webhooks.decode_base64(headers.get("X-Twilio-Email-Event-Webhook-Signature", ""))
        is_fresh = webhooks.is_fresh(timestamp, now, past=PAST_TOLERANCE, future=FUTURE_TOLERANCE)
        if not signature or not is_fresh:
            return False
        # SendGrid signs the timestamp directly followed by the body, including the line break at the body's end.
        return any(is_signed(secret, signature, timestamp.encode() + body) for secret in self.secrets)

    def problem_with(self, secret: str) -> str:
        return "" if public_key(secret) else "it is not a P-256 key in base64, the form that SendGrid displays"

    def items(self, payload: Any) -> list[Any]:
        if not isinstance(payload, list):
            raise MalformedPayload("Expected a JSON array of events.")
        return payload

    def event(self, item: dict[str, Any]) -> ReportedEvent:
        """Translate one event."""
        name = values.text(item.get("event"))
        timestamp = item.get("timestamp")
        type_, cause = classify(item, name)
        message_id = values.text(item.get(MESSAGE_ARGUMENT))
        provider_message_id = values.identifier(item.get("sg_message_id"))
        recipient = values.address(item.get("email"))
        # SendGrid's event ID isn't among them, see fingerprint().
        facts = (recipient, name, values.text(timestamp), item.get("url"), item.get("attempt"))
        # Delayed bounces may lack the IDs of the message.
        content = [*facts, item.get("reason"), item.get("response")] if recipient and timestamp else without_id(item)
        return ReportedEvent(
            provider=self.provider,
            type=type_,
            severity=severity(item) if type_ == Type.BOUNCED else "",
            message_id=values.uuid(message_id),
            provider_message_id=provider_message_id,
            recipient=recipient,
            occurred_at=values.timestamp(timestamp),
            detail=detail(item),
            cause=cause,
            is_about_a_group=name == "group_unsubscribe",
            raw=values.storable(item),
            # Ours comes first, because SendGrid's is missing from delayed bounces.
            fingerprint=fingerprint(content, message_id or provider_message_id, *facts),
        )


def classify(item: Mapping[str, Any], name: str) -> tuple[Type, str]:
    """Return the event's type, and a Cause if the address is on SendGrid's own suppression list."""
    reason = values.text(item.get("reason")).strip().lower().removesuffix(" address")
    if name == "dropped" and reason in SUPPRESSION_CAUSES:
        return Type.SUPPRESSED, SUPPRESSION_CAUSES[reason]
    return TYPES.get(name, Type.OTHER), ""


def severity(item: Mapping[str, Any]) -> str:
    """Return whether a bounce is hard or soft. It is soft unless the event says that the address doesn't exist."""
    # "blocked" means that only this message was refused, even if its SMTP status is permanent (5.x.x). Events without a
    # type are judged by that status, which is missing after a DNS failure.
    if item.get("event") == "blocked" or item.get("type") == "blocked":
        return Severity.SOFT
    is_invalid = values.text(item.get("bounce_classification")).strip().lower() == "invalid address"
    is_hard = item.get("type") == "bounce" or is_invalid or values.text(item.get("status")).strip() in HARD_STATUSES
    return Severity.HARD if is_hard else Severity.SOFT


def without_id(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "sg_event_id"}


def detail(item: Mapping[str, Any]) -> str:
    reason = item.get("reason") or item.get("response")
    return values.joined_text(item.get("status"), item.get("bounce_classification"), reason)


def is_signed(encoded_key: str, signature: bytes, signed: bytes) -> bool:
    """Return whether the ECDSA signature is genuine. False for a key that can't be used."""
    # cryptography takes long to import, and only SendGrid needs it.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    key = public_key(encoded_key)
    if key is None:
        return False
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


@cache
def public_key(encoded: str) -> Any:
    """Return the parsed P-256 key, or None if ``encoded`` isn't one."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        key = load_der_public_key(webhooks.decode_base64(encoded))
    except ValueError:
        return None
    return key if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1) else None
