"""Signatures as the providers write them, made with the secrets in the settings."""

import base64
import hashlib
from collections.abc import Callable
from uuid import uuid4

from common.webhooks import hmac_sha256
from emails.webhooks import resend, sequenzy
from emails.webhooks.views import RECEIVERS

Headers = dict[str, str]

# The private half of the public key in settings/development.py. SendGrid keeps that of its own keys to itself.
DEVELOPMENT_KEY = int.from_bytes(hashlib.sha256(b"development-only-insecure").digest(), "big")


def sign_resend(body: bytes, timestamp: str) -> Headers:
    event_id = f"msg_{uuid4().hex}"
    digest = hmac_sha256(resend.key_of(first_secret("resend")), f"{event_id}.{timestamp}.".encode() + body)
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"svix-id": event_id, "svix-timestamp": timestamp, "svix-signature": signature}


def sign_sequenzy(body: bytes, timestamp: str) -> Headers:
    _, key = next(sequenzy.keys_of(first_secret("sequenzy")))
    digest = hmac_sha256(key, f"v1:{timestamp}:".encode() + body)
    return {"X-Sequenzy-Timestamp": timestamp, "X-Sequenzy-Signature": f"v1={digest.hex()}"}


def sign_sendgrid(body: bytes, timestamp: str) -> Headers:
    # cryptography takes long to import, and only SendGrid needs it.
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    key = derive_private_key(DEVELOPMENT_KEY, SECP256R1())
    signature = base64.b64encode(key.sign(timestamp.encode() + body, ECDSA(SHA256()))).decode()
    prefix = "X-Twilio-Email-Event-Webhook-"
    return {f"{prefix}Signature": signature, f"{prefix}Timestamp": timestamp}


SIGNERS: dict[str, Callable[[bytes, str], Headers]] = {
    "resend": sign_resend,
    "sequenzy": sign_sequenzy,
    "sendgrid": sign_sendgrid,
}


def first_secret(provider: str) -> str:
    return RECEIVERS[provider].secrets[0]
