"""Delivery events as the providers send them: JSON, signature, and headers."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.http import HttpResponse
from django.test import Client

SEQUENZY_SECRET = "whsec_sequenzySecretOfTheTests01"
RESEND_SECRET = "whsec_cmVzZW5kLXNlY3JldC1vZi10aGUtdGVzdHM="
SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())
SENDGRID_PUBLIC_KEY = base64.b64encode(
    SENDGRID_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()

SignatureHeaders = dict[str, str]
numbers = count(1)


def sign_sequenzy(body: bytes, timestamp: str, secret: str = SEQUENZY_SECRET) -> SignatureHeaders:
    digest = hmac.new(secret.encode(), b"v1:" + timestamp.encode() + b":" + body, "sha256").hexdigest()
    return {"X-Sequenzy-Timestamp": timestamp, "X-Sequenzy-Signature": f"v1={digest}"}


def sign_resend(body: bytes, timestamp: str, secret: str = RESEND_SECRET) -> SignatureHeaders:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    event_id = f"msg_{next(numbers)}"
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, "sha256").digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"svix-id": event_id, "svix-timestamp": timestamp, "svix-signature": signature}


def sign_sendgrid(body: bytes, timestamp: str, key: Any = SENDGRID_KEY) -> SignatureHeaders:
    signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    prefix = "X-Twilio-Email-Event-Webhook-"
    return {prefix + "Signature": signature, prefix + "Timestamp": timestamp}


def sequenzy_event(kind: str, *, message: str, to: str, at: float, **data: Any) -> Any:
    number = next(numbers)
    base = {"email_send_id": message, "recipient": to, "email_type": "transactional"}
    return {
        "id": f"evt_{number}",
        "type": kind,
        "object": "event",
        "created_at": iso(at),
        "data": {**base, **data},
    }


def resend_event(kind: str, *, message: str, to: str, at: float, our_id: Any = None, **data: Any) -> Any:
    tags = {"tags": {"message_id": str(our_id)}} if our_id else {}
    return {"type": kind, "created_at": iso(at), "data": {"email_id": message, "to": [to], **tags, **data}}


def sendgrid_event(kind: str, *, message: str, to: str, at: float, our_id: Any = None, **data: Any) -> Any:
    event = {"event": kind, "email": to, "timestamp": int(at), "sg_event_id": f"evt-{next(numbers)}", **data}
    event |= {"sg_message_id": f"{message}.recvd-5f54-1.0"} if message else {}
    return [event | ({"app_message_id": str(our_id)} if our_id else {})]


def iso(at: float) -> str:
    """Return the time as Sequenzy and Resend write it: 2026-11-05T12:00:00.000Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class WebhookSender:
    """Signs events as one provider does, and posts them to our receiver of that provider's webhooks.

    ``send_event("email.bounced", message="m1")`` builds, signs, and posts an event. ``event()`` only builds it, and
    ``post()`` signs and posts it, so that a test can change the event in between.
    """

    provider: str
    sign: Callable[..., SignatureHeaders]
    make: Callable[..., Any]
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def event(self, kind: str, *, message: str = "", to: str = "ada@example.com", at: float = 0, **data: Any) -> Any:
        """Return an event in the provider's format.

        ``kind`` is the provider's name of the event, ``message`` the provider's ID of the email, and ``at`` a time in
        seconds since 1970, by default now. The keyword arguments in ``data`` become fields of the event.
        """
        return self.make(kind, message=message, to=to, at=at or time.time(), **data)

    def post(self, payload: Any, **changes: Any) -> HttpResponse:
        """Sign the payload, which is JSON or raw bytes, and post it.

        For a forgery, ``signed`` holds other bytes to sign, and ``timestamp`` another time of the signature.
        """
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signed = changes.pop("signed", body)
        headers = self.sign(signed, changes.pop("timestamp", str(int(time.time()))), **changes.pop("secret", {}))
        return self.post_raw(body, {**headers, **changes.pop("headers", {})}, **changes)

    def post_raw(self, body: bytes, headers: SignatureHeaders, path: str = "") -> HttpResponse:
        """Post the body with exactly these signature headers."""
        path = path or f"/emails/webhooks/{self.provider}/"
        return self.client.post(path, body, content_type="application/json", headers=headers)  # type: ignore[return-value]

    def send_event(self, kind: str, **data: Any) -> HttpResponse:
        return self.post(self.event(kind, **data))


WEBHOOK_SENDERS: dict[str, Callable[[], WebhookSender]] = {
    "sequenzy": lambda: WebhookSender("sequenzy", sign_sequenzy, sequenzy_event),
    "resend": lambda: WebhookSender("resend", sign_resend, resend_event),
    "sendgrid": lambda: WebhookSender("sendgrid", sign_sendgrid, sendgrid_event),
}
STALE_AGE = {"sequenzy": 301, "resend": 301, "sendgrid": 25 * 3600 + 1}  # seconds


def ago(**distance: float) -> float:
    """Return the time ``distance`` ago in seconds since 1970: ``ago(minutes=5)``."""
    return time.time() - timedelta(**distance).total_seconds()
