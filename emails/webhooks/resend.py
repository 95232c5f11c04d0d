"""Resend's webhooks: https://resend.com/docs/webhooks/introduction

An event names all addresses in the message's To field, but not the one it is about. So an event proves something about
an address only if the message has a single recipient.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from common import webhooks
from emails.backends.resend import MESSAGE_TAG
from emails.tracking import values
from emails.tracking.event import Cause, ReportedEvent, Severity, Type, fingerprint
from emails.webhooks.receiver import MalformedPayload, Receiver

# Svix signs Resend's webhooks (https://docs.svix.com/receiving/verifying-payloads/how-manual). Its libraries accept
# timestamps within five minutes, and every retry is signed again with a new timestamp.
PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
# The headers may have Svix's names or the vendor-neutral names of https://www.standardwebhooks.com.
HEADER_PREFIXES = ("svix", "webhook")

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
    "suppression.added": Type.SUPPRESSED,
}
# These events are about an address on the account's suppression list, and not about a message.
LIST_EVENTS = ("suppression.added", "suppression.removed")

# https://resend.com/docs/webhooks/emails/bounced documents Permanent, Transient, and Undetermined. A comment in
# Resend's SDK has "temporary" for the second one. A missing type counts as a hard bounce, because events of an older
# form had none.
SEVERITIES = {
    "": Severity.HARD,
    "permanent": Severity.HARD,
    "transient": Severity.SOFT,
    "temporary": Severity.SOFT,
    "undetermined": Severity.UNDETERMINED,
}

# The reasons of email.suppressed (https://resend.com/docs/webhooks/event-types), and the origins of suppression.added.
# The documentation's example has neither, and every other word means that mail to the address bounced.
CAUSES = {
    "previous_bounce": Cause.HARD_BOUNCE,
    "previous_complaint": Cause.COMPLAINT,
    "bounce": Cause.HARD_BOUNCE,
    "complaint": Cause.COMPLAINT,
    "manual": Cause.MANUAL,
}
SUPPRESSED = re.compile(r"suppress", re.IGNORECASE)


class ResendReceiver(Receiver):
    """Receives requests that contain one event each."""

    provider = "resend"
    variable = "RESEND_WEBHOOK_SECRETS"

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        for prefix in HEADER_PREFIXES:
            event_id = headers.get(f"{prefix}-id", "")
            timestamp = headers.get(f"{prefix}-timestamp", "")
            is_fresh = webhooks.is_fresh(timestamp, now, past=TOLERANCE, future=TOLERANCE)
            if event_id and event_id.isascii() and is_fresh:
                # The raw bytes, because JSON that was parsed and written again could differ.
                signed = f"{event_id}.{timestamp}.".encode() + body
                return self.is_signed(signed, headers.get(f"{prefix}-signature", ""))
        return False

    def is_signed(self, signed: bytes, header: str) -> bool:
        """Return whether one of the header's signatures was made with one of our secrets."""
        # While a secret is being rotated, the header contains a signature for each. Only version 1 is defined. The
        # limit keeps a forged header from costing many comparisons.
        items = header.split()[: webhooks.MAX_SIGNATURES]
        signatures = [item.removeprefix("v1,") for item in items if item.startswith("v1,")]
        # An empty key would let anybody sign.
        keys = filter(None, map(key_of, self.secrets))
        digests = [webhooks.hmac_sha256(key, signed) for key in keys]
        return any(webhooks.is_base64_of(signature, digest) for digest in digests for signature in signatures)

    def problem_with(self, secret: str) -> str:
        return "" if key_of(secret) else f"it is not {PREFIX} followed by base64, the form that Resend displays"

    def items(self, payload: Any) -> list[Any]:
        if not isinstance(payload, dict):
            raise MalformedPayload("Expected a JSON object with one event.")
        return [payload]

    def event(self, item: dict[str, Any]) -> ReportedEvent:
        """Translate one event."""
        data = values.nested(item, "data")
        created_at = item.get("created_at")
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
            is_recipient_guessed=len(recipients) != 1,
            # "to" doesn't list people in Cc and Bcc, so even a single entry may not be the one that the event is about.
            is_recipient_from_list=True,
            is_about_address=item["type"] in LIST_EVENTS,
            occurred_at=values.timestamp(created_at),
            detail=detail(data),
            cause=cause,
            raw=values.storable(item),
            fingerprint=fingerprint(item, message_id, recipients, item["type"], created_at, link),
        )


def classify(item: Mapping[str, Any]) -> tuple[Type, str]:
    """Return the event's type, and a Cause if the address is on Resend's own suppression list for a known reason."""
    data, name = values.nested(item, "data"), item["type"]
    if name == "contact.updated" and data.get("unsubscribed") is True:
        return Type.UNSUBSCRIBED, ""
    type_ = TYPES.get(name, Type.OTHER)
    if type_ == Type.BOUNCED and is_suppression(values.nested(data, "bounce")):
        return Type.SUPPRESSED, Cause.HARD_BOUNCE
    if type_ == Type.SUPPRESSED:
        return type_, CAUSES.get(
            word(values.nested(data, "suppressed").get("reason") or data.get("origin")), Cause.HARD_BOUNCE
        )
    return type_, ""


def is_suppression(bounce: Mapping[str, Any]) -> bool:
    """Return whether the address is on Resend's own list, which it reported as a bounce in earlier times."""
    # The text of a soft bounce may contain the same word.
    is_permanent = severity(bounce) == Severity.HARD
    return is_permanent and bool(SUPPRESSED.search(values.joined_text(bounce.get("subType"), bounce.get("message"))))


def severity(bounce: Mapping[str, Any]) -> str:
    return SEVERITIES.get(word(bounce.get("type")), Severity.UNDETERMINED)


def word(value: Any) -> str:
    return values.text(value).strip().lower()


def detail(data: Mapping[str, Any]) -> str:
    bounce, suppressed = values.nested(data, "bounce"), values.nested(data, "suppressed")
    return values.joined_text(
        bounce.get("type"),
        bounce.get("subType"),
        bounce.get("message"),
        bounce.get("diagnosticCode"),  # a list in the OpenAPI file, and a string in the Python SDK
        suppressed.get("type"),
        suppressed.get("reason"),
        suppressed.get("message"),
        suppressed.get("diagnosticCode"),
        data.get("origin"),  # of an entry on the suppression list
        values.nested(data, "failed").get("reason"),
    )


def key_of(secret: str) -> bytes:
    return webhooks.decode_base64(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else b""
