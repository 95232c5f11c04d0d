"""Removing secrets and control characters from text that is stored, logged, or shown."""

import re
from collections.abc import Collection, Sequence

MAX_DETAIL_BYTES = 2048

KEY_PATTERNS = re.compile(
    r"(?i:bearer|basic)\s+[\w.~+/=-]+|\bSG\.[\w.-]{8,}|\b(?:re|seq|sk|rk|whsec)_[\w-]{8,}"
    r"|(?<=[?&;]token=)[^\s&#\"'<>]+",  # in a live link, which click events contain
)
ADDRESS = re.compile(r"[^\s<>\"'`“”(),:;=\[\]]+@[^\s<>\"'`“”(),:;=\[\]]*[^\s<>\"'`“”(),:;=\[\].]")
# For logs, which contain more than the responses of providers. A domain needs a dot, because Celery's nodes and the
# hosts of databases have names with an @ as well. The lengths keep a long line from taking long.
LOGGED_ADDRESS = re.compile(
    r"(?:\"[^\"]{1,128}\"|[^\s<>\"'`“”(),:;=?&/\[\]]{1,128})(?:@|%40)[^\s<>\"'`“”(),:;=?&/\[\]]{1,255}?\.[^\s<>\"'`“”(),:;=?&/\[\]]{0,63}"
    r"[^\s<>\"'`“”(),:;=?&/\[\].]",
    re.IGNORECASE,
)
LOGGED_SECRETS = re.compile(
    rf"{KEY_PATTERNS.pattern}"
    r"|(?<=://)[^\s/@]*:[^\s/@]*(?=@)"  # user and password in a URL
    r"|[\w-]{4,}(?::|%3[Aa])[\w-]{4,}(?::|%3[Aa])[\w-]{20,}"  # django.core.signing: links in emails
    r"|\b[0-9a-f]{64}\b"  # API tokens
    r"|\b(?:argon2|pbkdf2_\w+|bcrypt\w*|scrypt|md5)\$[^\s'\",]+"  # password hashes
    r"|(?<=[?&;])(?:token|password|code|key|signature|email)=[^\s&#\"'<>]*",
)
# PostgreSQL quotes whole rows below its first line, and the statement as it was sent.
DATABASE_DETAILS = re.compile(r"\n(?:DETAIL|CONTEXT|HINT|QUERY|WHERE|STATEMENT|LINE \d+):.*", re.DOTALL)
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


def cleaned(text: str) -> str:
    """Return the text without email addresses, keys, tokens, and what a database quotes from rows."""
    if "\n" in text:
        text = DATABASE_DETAILS.sub("", text)
    if "@" in text or "%40" in text:
        text = LOGGED_SECRETS.sub("[removed]", text)
        return LOGGED_ADDRESS.sub("[address]", text)
    return LOGGED_SECRETS.sub("[removed]", text)
