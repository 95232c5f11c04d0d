"""The check that Stripe sent these bytes just now: https://docs.stripe.com/webhooks/signature

The header looks like ``t=1793620803,v1=<hex>,v1=<hex>``. Each ``v1`` is an HMAC-SHA256 of the time, a dot, and the raw
body. While a secret is being rolled, Stripe signs with the old and the new one, so there can be several.

Stripe's package isn't used here. Version 16.1 raises TypeError for a header with non-ASCII characters, which would give
anyone a 500, accepts timestamps in the future, and takes 14 times as long.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from common.webhooks import MAX_SIGNATURES, hmac_sha256, is_fresh, is_hex_of

# Five minutes are the default of Stripe's own libraries. A recorded request can't be replayed after that. Stripe signs
# every delivery with the current time, so a retry days later is as fresh as the first delivery.
TOLERANCE = timedelta(minutes=5)
SCHEME = "v1"
# Python's int() also accepts "0179" and "1_793", so two different headers could mean the same time.
UNIX_SECONDS = re.compile(r"0|[1-9][0-9]{0,11}")


class SignatureInvalid(ValueError):
    """The header doesn't prove that Stripe sent these bytes just now. The message states what is wrong."""


def verify(header: str, body: bytes, secrets: Iterable[str], *, now: float) -> None:
    """Return if one of ``secrets`` signed ``body`` within TOLERANCE of ``now``, a Unix time.

    Raises ``SignatureInvalid`` for any other header, and ``ValueError`` for an empty secret.
    """
    timestamp, signatures = parse(header)
    if not any(is_signed(timestamp, body, secret, signatures) for secret in secrets):
        raise SignatureInvalid("No signature matches. Check that STRIPE_WEBHOOK_SECRETS is from this endpoint.")
    # The time is checked last. With a valid signature, a wrong time points to a clock or to a replay, not to a forgery.
    if not is_fresh(timestamp, now, past=TOLERANCE, future=TOLERANCE):
        raise SignatureInvalid(f"The signature's time, {timestamp}, is too far from now. Check this server's clock.")


def parse(header: str) -> tuple[str, Sequence[str]]:
    """Return the time, exactly as it was sent and signed, and the signatures. Raises ``SignatureInvalid``."""
    elements = [element.partition("=") for element in header.split(",")]
    times = [value for name, _, value in elements if name == "t"]
    if len(times) != 1 or not UNIX_SECONDS.fullmatch(times[0]):
        raise SignatureInvalid("The Stripe-Signature header must contain exactly one time, as a Unix time.")
    # Stripe adds a decoy under v0 in test mode. It and all other elements prove nothing.
    signatures = [value for name, _, value in elements if name == SCHEME]
    if not signatures:
        raise SignatureInvalid(f"The Stripe-Signature header has no {SCHEME} signature.")
    # Each signature costs a comparison, so a forged header must not contain thousands.
    return times[0], signatures[:MAX_SIGNATURES]


def is_signed(timestamp: str, body: bytes, secret: str, signatures: Iterable[str]) -> bool:
    expected = digest(timestamp, body, secret)
    return any(is_hex_of(signature, expected) for signature in signatures)


def digest(timestamp: str, body: bytes, secret: str) -> bytes:
    """Return the HMAC. Raises ``ValueError`` for an empty secret."""
    if not secret:
        raise ValueError("An empty secret would let anyone sign.")
    # Stripe's key is the whole text, including "whsec_". Other providers with that prefix decode the rest as base64.
    return hmac_sha256(secret.encode(), timestamp.encode() + b"." + body)


def sign(body: bytes, secret: str, *, at: float) -> str:
    """Return the header that Stripe would send with ``body`` at that Unix time."""
    timestamp = str(int(at))
    return f"t={timestamp},{SCHEME}={digest(timestamp, body, secret).hex()}"
