"""Resend's webhooks, signed as Svix does: https://resend.com/docs/webhooks/introduction"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from common import webhooks
from emails.backends.resend import MESSAGE_TAG
from emails.tracking.event import (
    Cause,
    Event,
    Severity,
    Type,
    address,
    entries,
    fingerprint,
    identifier,
    inner,
    joined,
    moment,
    storable,
    text,
    uuid,
)
from emails.webhooks.receiver import MalformedPayload, Receiver

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
HEADERS = ("svix", "webhook")  # Svix's own names, and those of Standard Webhooks
SUPPRESSED = re.compile(r"suppress", re.IGNORECASE)
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
SEVERITIES = {"transient": Severity.SOFT, "temporary": Severity.SOFT, "undetermined": Severity.UNDETERMINED}
CAUSES = {"previous_bounce": Cause.HARD_BOUNCE, "previous_complaint": Cause.COMPLAINT}


class ResendReceiver(Receiver):
    """Names the recipients of the message, not the one that an event is about."""

    provider = "resend"
    variable = "RESEND_WEBHOOK_SECRETS"

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        for brand in HEADERS:
            event_id, timestamp = headers.get(f"{brand}-id", ""), headers.get(f"{brand}-timestamp", "")
            if event_id.isascii() and event_id and webhooks.is_fresh(timestamp, now, past=TOLERANCE, future=TOLERANCE):
                signed = f"{event_id}.{timestamp}.".encode() + body
                return self.is_signed(signed, headers.get(f"{brand}-signature", ""))
        return False

    def is_signed(self, signed: bytes, header: str) -> bool:
        items = header.split()[: webhooks.MAX_SIGNATURES]
        given = [item.removeprefix("v1,") for item in items if item.startswith("v1,")]
        digests = [webhooks.hmac_sha256(key, signed) for secret in self.secrets if (key := key_of(secret))]
        return any(webhooks.is_base64_of(one, digest) for digest in digests for one in given)

    def trouble_with(self, secret: str) -> str:
        return "" if key_of(secret) else f"it is not {PREFIX} and base64, as Resend shows it"

    def items(self, payload: Any) -> list[Any]:
        if not isinstance(payload, dict):
            raise MalformedPayload("A JSON object with one event is expected.")
        return [payload]

    def event(self, item: dict[str, Any]) -> Event:
        data, name = inner(item, "data"), item["type"]
        message = identifier(data.get("email_id"))
        recipients = [address(entry) for entry in entries(data.get("to") or data.get("email"))]
        kind, cause = kind_of(item)
        bounce = inner(data, "bounce")
        return Event(
            provider=self.provider,
            type=kind,
            severity=severity(bounce) if kind == Type.BOUNCED else "",
            message_id=uuid(inner(data, "tags").get(MESSAGE_TAG)),
            provider_message_id=message,
            recipient=recipients[0] if recipients else "",
            is_guess=len(recipients) != 1,
            is_listed=True,
            occurred_at=moment(item.get("created_at")),
            detail=detail(data),
            cause=cause,
            raw=storable(item),
            fingerprint=fingerprint(
                item, message, recipients, name, item.get("created_at"), inner(data, "click").get("link")
            ),
        )


def kind_of(item: Mapping[str, Any]) -> tuple[Type, str]:
    """The type, and why Resend's own suppression list holds the address, where that is what the event says."""
    data, name = inner(item, "data"), item["type"]
    if name == "contact.updated" and data.get("unsubscribed") is True:
        return Type.UNSUBSCRIBED, ""
    bounce, suppressed = inner(data, "bounce"), inner(data, "suppressed")
    if name == "email.bounced" and SUPPRESSED.search(joined(bounce.get("subType"), bounce.get("message"))):
        return Type.SUPPRESSED, Cause.HARD_BOUNCE
    cause = CAUSES.get(text(suppressed.get("reason")).lower(), "")
    return TYPES.get(name, Type.OTHER), cause


def severity(bounce: Mapping[str, Any]) -> str:
    return SEVERITIES.get(text(bounce.get("type")).lower(), Severity.HARD)


def detail(data: Mapping[str, Any]) -> str:
    bounce, suppressed = inner(data, "bounce"), inner(data, "suppressed")
    return joined(
        bounce.get("type"), bounce.get("subType"), bounce.get("message"), bounce.get("diagnosticCode"),
        suppressed.get("reason"), suppressed.get("message"), inner(data, "failed").get("reason"),
    )  # fmt: skip


def key_of(secret: str) -> bytes:
    return webhooks.decode_base64(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else b""
