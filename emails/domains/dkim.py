"""DKIM keys: RFC 6376 section 3.6.1, RFC 8301 (the sizes of RSA keys), and RFC 8463 (Ed25519)."""

import base64
import binascii
from dataclasses import dataclass

from emails.domains.names import shown
from emails.domains.tags import TagError, parse_tags

MIN_RSA_BITS = 1024
ED25519_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A published key. ``problem`` is empty if receivers accept it; ``warning`` is about a key that they accept."""

    kind: str = "rsa"
    bits: int = 0
    is_strict: bool = False
    problem: str = ""
    warning: str = ""


def is_key(text: str) -> bool:
    """Return whether a TXT record looks like a DKIM key, with or without a version."""
    try:
        tags = parse_tags(text)
    except TagError:
        return False
    return "p" in tags and tags.get("v", "DKIM1") == "DKIM1"


def read_key(text: str) -> Key:
    """Judge the text of a key as a receiver does. Raises nothing."""
    try:
        tags = parse_tags(text)
    except TagError as error:
        return Key(problem=f"receivers can't read the key: {shown(str(error), 120)}")
    kind = tags.get("k", "rsa").lower()
    flags = {flag.strip() for flag in tags.get("t", "").split(":")}
    if problem := _problem_with_tags(tags, kind):
        return Key(kind, problem=problem)
    bits, problem = _size(kind, "".join(tags["p"].split()))
    warning = "t=y says that it is only a test, so receivers may ignore the signature" if "y" in flags else ""
    return Key(kind, bits, "s" in flags, problem, warning)


def _problem_with_tags(tags: dict[str, str], kind: str) -> str:
    if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):
        return "v= must come first and be DKIM1"
    if "p" not in tags:
        return "p=, which holds the key, is missing"
    if not "".join(tags["p"].split()):
        return "the key is revoked: p= is empty"
    if kind not in ("rsa", "ed25519"):
        return f"k={shown(kind, 40)} isn't a kind of key that receivers know"
    services = {service.strip().lower() for service in tags.get("s", "*").split(":")}
    if not services & {"*", "email"}:
        return f"s={shown(tags['s'], 40)} means that it isn't for email"
    hashes = {name.strip().lower() for name in tags.get("h", "sha256").split(":")}
    return "" if "sha256" in hashes else f"h={shown(tags['h'], 40)} excludes SHA-256, which signatures of email use"


def _size(kind: str, text: str) -> tuple[int, str]:
    """Return the size of the key in bits, and what is wrong with it."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return 0, "p= isn't valid Base64, so a part of the key is missing or changed"
    if kind == "ed25519":
        size = len(content)
        return size * 8, "" if size == ED25519_BYTES else f"an Ed25519 key has {ED25519_BYTES} bytes, and not {size}"
    bits = _rsa_bits(content)
    if not bits:
        return 0, "p= doesn't contain an RSA key, so a part of it is missing or changed"
    return bits, "" if bits >= MIN_RSA_BITS else f"the RSA key has {bits} bits, and receivers ignore fewer than 1024"


def _rsa_bits(content: bytes) -> int:
    # Keys in both formats of RFC 6376 occur, and this function reads both: SubjectPublicKeyInfo and RSAPublicKey.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        key = load_der_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        return 0
    return key.key_size if isinstance(key, RSAPublicKey) else 0
