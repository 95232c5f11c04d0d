"""Removing secrets and control characters from text that is stored, logged, or shown."""

import re
from collections.abc import Collection, Sequence

MAX_DETAIL_BYTES = 2048

KEY_PATTERNS = re.compile(
    r"(?i:bearer|basic)\s+[\w.~+/=-]+|\bSG\.[\w.-]{8,}|\b(?:re|seq|sk|rk|whsec)_[\w-]{8,}"
    r"|(?<=[?&;]token=)[^\s&#\"'<>]+",  # in a live link, which click events contain
)
ADDRESS = re.compile(r"[^\s<>\"'`“”(),:;=\[\]]+@[^\s<>\"'`“”(),:;=\[\]]*[^\s<>\"'`“”(),:;=\[\].]")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]+")


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Return the text without these secrets and without anything that looks like a key, cut to 2 kB."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[removed]")
    text = CONTROL_CHARACTERS.sub(" ", KEY_PATTERNS.sub("[removed]", text))
    return text.encode()[:MAX_DETAIL_BYTES].decode(errors="ignore").strip()


def without_addresses(text: str, *, keep: Collection[str] = ()) -> str:
    """Return the text without email addresses, except those in ``keep`` (in lowercase)."""
    return ADDRESS.sub(lambda match: match[0] if match[0].lower() in keep else "[another recipient]", text)
