"""Removing secrets and control characters from text that is stored, logged, or shown."""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any

from django.conf import settings

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
# Each pattern is only tried on a text that contains its mark, because most lines contain none, and each begins where a
# word does, because trying every character takes much longer.
WORD = r"(?<![\w-])[\w-]"
LOGGED_SECRETS = (
    (("earer ", "asic ", "EARER ", "ASIC "), re.compile(r"(?i:\bbearer|\bbasic)\s+[\w.~+/=-]+")),
    (("SG.",), re.compile(r"\bSG\.[\w.-]{8,}")),
    (("re_", "seq_", "sk_", "rk_", "whsec_"), re.compile(r"\b(?:re|seq|sk|rk|whsec)_[\w-]{8,}")),
    (("://",), re.compile(r"(?<=://)[^\s/@]*:[^\s/@]*(?=@)")),  # user and password
    # django.core.signing: links in emails
    ((":", "%3A", "%3a"), re.compile(rf"{WORD}{{4,}}(?::|%3[Aa])[\w-]{{4,}}(?::|%3[Aa])[\w-]{{20,}}")),
    # password hashes
    (("$",), re.compile(r"\b(?:argon2|pbkdf2_\w+|bcrypt\w*|scrypt|md5)\$[^\s'\"]+")),
    (("=",), re.compile(r"(?<=[?&;])(?:token|password|code|key|signature|email)=[^\s&#\"'<>]*")),
)
MARKED_SECRETS = [(mark, pattern) for marks, pattern in LOGGED_SECRETS for mark in marks]
MIN_API_TOKEN = 64
API_TOKEN = re.compile(r"\b[0-9a-f]{64}\b")
# PostgreSQL quotes whole rows below its first line, and the statement as it was sent.
DATABASE_DETAILS = re.compile(r"\n(?:DETAIL|CONTEXT|HINT|QUERY|WHERE|STATEMENT|LINE \d+):.*", re.DOTALL)
# JSON, HTML, and lists in the text of an exception, but not <… object at 0x…>, and not [Errno 111].
BODY = re.compile(r"\{|<(?![\w.]+ object)|\[\s*['\"{\[]")
MAX_QUOTED_CHARACTERS = 60
SECRET_SETTINGS = re.compile(r"(KEYS?|SECRETS?|TOKEN|PASSWORD|DSN|FALLBACKS)$")
MIN_SECRET_CHARACTERS = 10  # a shorter one could be part of an ordinary word
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
    if settings.configured:  # not in gunicorn's main process
        text = secret_values().sub("[removed]", text)
    for mark, pattern in MARKED_SECRETS:
        if mark in text:
            text = pattern.sub("[removed]", text)
    if len(text) >= MIN_API_TOKEN:
        text = API_TOKEN.sub("[removed]", text)
    return LOGGED_ADDRESS.sub("[address]", text) if "@" in text or "%40" in text else text


def without_bodies(text: str) -> str:
    """Return the text of an exception up to a long piece of JSON or HTML, which may be what somebody sent."""
    found = BODY.search(text)
    if found is None or len(text) - found.start() <= MAX_QUOTED_CHARACTERS:
        return text
    return f"{text[: found.start()]}…"


@cache
def secret_values() -> re.Pattern[str]:
    """Return a pattern for the secrets in the settings, for those whose form doesn't show what they are."""
    found = {
        value for name in dir(settings) if SECRET_SETTINGS.search(name) for value in texts(getattr(settings, name))
    }
    found |= {str(database.get("PASSWORD", "")) for database in settings.DATABASES.values()}
    long_enough = sorted((re.escape(value) for value in found if len(value) >= MIN_SECRET_CHARACTERS), reverse=True)
    return re.compile("|".join(long_enough) or r"(?!)")


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
