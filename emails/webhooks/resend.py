"""Resend's webhooks: https://resend.com/docs/webhooks/introduction"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from common import webhooks
from emails.backends.resend import MESSAGE_TAG
from emails.tracking import values
from emails.tracking.event import Cause, ReportedEvent, Severity, Type, fingerprint
from emails.webhooks.receiver import MalformedPayload, Receiver

# https://docs.svix.com/receiving/verifying-payloads/how-manual: Svix signs for Resend.
PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
HEADER_PREFIXES = ("svix", "webhook")  # "webhook" is the vendor-neutral one of https://www.standardwebhooks.com

# https://resend.com/docs/webhooks/event-types
TYPES = {
    "email.scheduled": Type.QUEUED,
    "email.sent": Type.SENT,
    "email.delivered": Type.DELIVERED,
    "email.delivery_delayed": Type.DEFERRED,
    "email.bounced": Type.BOUNCED,
    "email.complained": Type.COMPLAINED,
    "email.suppressed": Type.SUPPRESSED,
    "email.failed": Type.REJECTED,
    "email.opened": Type.OPENED,
    "email.clicked": Type.CLICKED,
}

# https://resend.com/docs/webhooks/emails/bounced. Everything else is hard; "temporary" is from Resend's Node SDK.
SEVERITIES = {"transient": Severity.SOFT, "temporary": Severity.SOFT, "undetermined": Severity.UNDETERMINED}

# https://resend.com/docs/webhooks/event-types: the reasons of email.suppressed.
CAUSES = {"previous_bounce": Cause.HARD_BOUNCE, "previous_complaint": Cause.COMPLAINT}
SUPPRESSED = re.compile(r"suppress", re.IGNORECASE)


class ResendReceiver(Receiver):
    """Takes one event per request. An event lists all recipients of its message, not the one concerned."""

    provider = "resend"
    variable = "RESEND_WEBHOOK_SECRETS"

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        for prefix in HEADER_PREFIXES:
            event_id, timestamp = headers.get(f"{prefix}-id", ""), headers.get(f"{prefix}-timestamp", "")
            is_fresh = webhooks.is_fresh(timestamp, now, past=TOLERANCE, future=TOLERANCE)
            if event_id and event_id.isascii() and is_fresh:
                # The raw bytes, because JSON that was parsed and written again could differ.
                signed = f"{event_id}.{timestamp}.".encode() + body
                return self.is_signed(signed, headers.get(f"{prefix}-signature", ""))
        return False

    def is_signed(self, signed: bytes, header: str) -> bool:
        # While a secret is being rotated, Resend signs with the old one and the new one.
        items = header.split()[: webhooks.MAX_SIGNATURES]
        signatures = [item.removeprefix("v1,") for item in items if item.startswith("v1,")]
        digests = [webhooks.hmac_sha256(key, signed) for secret in self.secrets if (key := key_of(secret))]
        return any(webhooks.is_base64_of(signature, digest) for digest in digests for signature in signatures)

    def problem_with(self, secret: str) -> str:
        return "" if key_of(secret) else f"it is not {PREFIX} followed by base64, the form that Resend displays"

    def items(self, payload: Any) -> list[Any]:
        if not isinstance(payload, dict):
            raise MalformedPayload("Expected a JSON object with one event.")
        return [payload]

    def event(self, item: dict[str, Any]) -> ReportedEvent:
        """Translate an event. Its recipient is a guess if the message has several."""
        data, name, created_at = values.nested(item, "data"), item["type"], item.get("created_at")
        type_, cause = classify(item)
        message_id = values.identifier(data.get("email_id"))
        recipients = [values.address(entry) for entry in values.as_list(data.get("to") or data.get("email"))]
        link = values.nested(data, "click").get("link")
        return ReportedEvent(
            provider=self.provider,
            type=type_,
            severity=severity(values.nested(data, "bounce")) if type_ == Type.BOUNCED else "",
            message_id=values.uuid(values.nested(data, "tags").get(MESSAGE_TAG)),
            provider_message_id=message_id,
            recipient=recipients[0] if recipients else "",
            is_guess=len(recipients) != 1,
            is_listed=True,
            occurred_at=values.timestamp(created_at),
            detail=detail(data),
            cause=cause,
            raw=values.storable(item),
            fingerprint=fingerprint(item, message_id, recipients, name, created_at, link),
        )


def classify(item: Mapping[str, Any]) -> tuple[Type, str]:
    """Return the type, and the cause if the event reports that Resend's own suppression list holds the address."""
    data, name = values.nested(item, "data"), item["type"]
    if name == "contact.updated" and data.get("unsubscribed") is True:
        return Type.UNSUBSCRIBED, ""
    bounce, suppressed = values.nested(data, "bounce"), values.nested(data, "suppressed")
    # Before email.suppressed existed, Resend reported a suppressed address as a bounce.
    if name == "email.bounced" and SUPPRESSED.search(values.joined_text(bounce.get("subType"), bounce.get("message"))):
        return Type.SUPPRESSED, Cause.HARD_BOUNCE
    cause = CAUSES.get(values.text(suppressed.get("reason")).lower(), "")
    return TYPES.get(name, Type.OTHER), cause


def severity(bounce: Mapping[str, Any]) -> str:
    return SEVERITIES.get(values.text(bounce.get("type")).lower(), Severity.HARD)


def detail(data: Mapping[str, Any]) -> str:
    bounce, suppressed = values.nested(data, "bounce"), values.nested(data, "suppressed")
    return values.joined_text(
        bounce.get("type"),
        bounce.get("subType"),
        bounce.get("message"),
        bounce.get("diagnosticCode"),  # a list in the OpenAPI file, and a string in the Python SDK
        suppressed.get("reason"),
        suppressed.get("message"),
        values.nested(data, "failed").get("reason"),
    )


def key_of(secret: str) -> bytes:
    return webhooks.decode_base64(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else b""
