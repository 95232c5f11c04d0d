"""Checks Stripe's webhook signature on the raw bytes: https://docs.stripe.com/webhooks/signature

The stripe package isn't used here. It raises TypeError for a header with non-ASCII characters, accepts timestamps in
the future, and is 14 times slower.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from common.webhooks import MAX_SIGNATURES, hmac_sha256, is_fresh, is_hex_of

# In both directions. Stripe signs every delivery with the current time, so a retry is as fresh as a first delivery.
TOLERANCE = timedelta(minutes=5)
SCHEME = "v1"
UNIX_SECONDS = re.compile(r"0|[1-9][0-9]{0,11}")


class SignatureInvalid(ValueError):
    """The header doesn't prove that Stripe sent these bytes just now. The message states what is wrong."""


def verify(header: str, body: bytes, secrets: Iterable[str], *, now: float) -> None:
    """Return if one of ``secrets`` signed ``body`` within TOLERANCE of ``now``, a Unix time.

    Raises ``SignatureInvalid`` for any other header, and ``ValueError`` for an empty secret, because anyone could sign
    with it.
    """
    timestamp, signatures = parse(header)
    if not any(is_signed(timestamp, body, secret, signatures) for secret in secrets):
        raise SignatureInvalid("No signature matches. Check that STRIPE_WEBHOOK_SECRETS is from this endpoint.")
    if not is_fresh(timestamp, now, past=TOLERANCE, future=TOLERANCE):
        raise SignatureInvalid(f"The signature's time, {timestamp}, is too far from now. Check this server's clock.")


def parse(header: str) -> tuple[str, Sequence[str]]:
    """Return the time as it was sent, and the signatures in ``t=…,v1=…,v1=…``. Other elements are ignored."""
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
    """Return the HMAC. Its key is the whole secret, including ``whsec_``."""
    if not secret:
        raise ValueError("An empty secret would let anyone sign.")
    return hmac_sha256(secret.encode(), timestamp.encode() + b"." + body)


def sign(body: bytes, secret: str, *, at: float) -> str:
    """Return the header that Stripe would send with ``body`` at that Unix time."""
    timestamp = str(int(at))
    return f"t={timestamp},{SCHEME}={digest(timestamp, body, secret).hex()}"
