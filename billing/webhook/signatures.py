"""Stripe's webhook signatures, checked on the raw bytes: https://docs.stripe.com/webhooks/signature

Stripe's own package isn't used. It raises TypeError for a header beyond ASCII, accepts times in the future, and is
fourteen times slower.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from common.webhooks import MAX_SIGNATURES, hmac_sha256, is_fresh, is_hex_of

# In both directions. Stripe signs every delivery anew, so a repeated event is as fresh as a first one.
TOLERANCE = timedelta(minutes=5)
SCHEME = "v1"
UNIX_SECONDS = re.compile(r"0|[1-9][0-9]{0,11}")


class SignatureInvalid(ValueError):
    """The header doesn't prove that Stripe sent these bytes just now. The message names the problem."""


def verify(header: str, body: bytes, secrets: Iterable[str], *, now: float) -> None:
    """Return if one of ``secrets`` signed ``body`` within TOLERANCE of ``now``, a Unix time.

    Raises ``SignatureInvalid`` for any other header, and ``ValueError`` for an empty secret.
    """
    timestamp, signatures = parse(header)
    if not any(is_signed(timestamp, body, secret, signatures) for secret in secrets):
        raise SignatureInvalid("No signature matches. Check that STRIPE_WEBHOOK_SECRETS is from this endpoint.")
    if not is_fresh(timestamp, now, past=TOLERANCE, future=TOLERANCE):
        raise SignatureInvalid(f"The signature's time, {timestamp}, is too far from now. Check this server's clock.")


def parse(header: str) -> tuple[str, Sequence[str]]:
    """Return the unchanged time and the signatures of ``t=…,v1=…,v1=…``."""
    elements = [element.partition("=") for element in header.split(",")]
    times = [value for name, _, value in elements if name == "t"]
    if len(times) != 1 or not UNIX_SECONDS.fullmatch(times[0]):
        raise SignatureInvalid("The Stripe-Signature header must contain exactly one time, as a Unix time.")
    # Other elements, such as test signatures under v0, prove nothing.
    signatures = [value for name, _, value in elements if name == SCHEME]
    if not signatures:
        raise SignatureInvalid(f"The Stripe-Signature header has no {SCHEME} signature.")
    return times[0], signatures[:MAX_SIGNATURES]


def is_signed(timestamp: str, body: bytes, secret: str, signatures: Iterable[str]) -> bool:
    expected = digest(timestamp, body, secret)
    return any(is_hex_of(signature, expected) for signature in signatures)


def digest(timestamp: str, body: bytes, secret: str) -> bytes:
    """The key is the whole secret, ``whsec_`` included."""
    if not secret:
        raise ValueError("An empty secret would let anyone sign.")
    return hmac_sha256(secret.encode(), timestamp.encode() + b"." + body)


def sign(body: bytes, secret: str, *, at: float) -> str:
    """The header with which Stripe would send ``body`` at that Unix time."""
    timestamp = str(int(at))
    return f"t={timestamp},{SCHEME}={digest(timestamp, body, secret).hex()}"
