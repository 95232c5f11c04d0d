"""What the settings have read: each variable with its value, unless that is secret, and with its source."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from settings.environment import Env, source_of
from settings.masking import is_secret, shown

DEFAULT = "default"
# Variables whose default is the value of another one, or a part of it.
DERIVED_FROM = {
    "APP_URL": "PORT",
    "CELERY_BROKER_URL": "REDIS_URL",
    "INSTALLATION_ID": "APP_URL",
    "RESEND_CONTACTS_API_KEY": "RESEND_API_KEY",
    "SECURITY_CONTACT": "DEFAULT_FROM_EMAIL",
    "SENDGRID_CONTACTS_API_KEY": "SENDGRID_API_KEY",
    "SEQUENZY_CONTACTS_API_KEY": "SEQUENZY_API_KEY",
    "STRIPE_LIVEMODE": "STRIPE_SECRET_KEY",
    "SUPPORT_EMAIL": "DEFAULT_FROM_EMAIL",
}
LONGEST_VALUE = 20_000  # characters; a list of keys is shorter
FINGERPRINT_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as it may be shown. ``problem`` and ``fix`` are about its form and empty if that is right."""

    name: str
    value: str
    source: str  # the environment; .env, line 3; default; derived from REDIS_URL
    is_secret: bool
    problem: str = ""
    fix: str = ""


class Variables:
    """The variables that the settings have read, sorted by name. Holds no values, so that no debug page shows any."""

    def __iter__(self) -> Iterator[Variable]:
        for name in sorted(Env.names_read):
            yield variable(name)

    def fingerprints(self, key: str) -> dict[str, str]:
        """Return a keyed hash of each value that is set. Two processes compare them without knowing the values."""
        return {name: fingerprint(key, name, Env.ENVIRON[name]) for name in Env.names_read if name in Env.ENVIRON}

    def __repr__(self) -> str:
        return "Variables()"


def variable(name: str) -> Variable:
    if name in Env.ENVIRON:
        value = Env.ENVIRON[name]
        return Variable(name, shown(name, value), source(name), is_secret(name), *problem_with(value))
    value = as_text(Env.defaults.get(name)) or Env.ENVIRON.get(DERIVED_FROM.get(name, ""), "")
    return Variable(name, shown(name, value), source(name), is_secret(name))


def source(name: str) -> str:
    """Return where the value comes from."""
    if name in Env.ENVIRON:
        return source_of(name).rstrip(",")
    origin = DERIVED_FROM.get(name)
    return f"derived from {origin}" if origin and origin in Env.ENVIRON else DEFAULT


def as_text(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, list):
        return ",".join(map(str, default))
    return "" if default is None else str(default)


def problem_with(value: str) -> tuple[str, str]:
    """Return what is wrong with the form of a value, and what to do, or two empty strings."""
    if "\n" in value or "\r" in value:
        return "It contains a line break.", "Write the value in one line."
    if not all(char.isprintable() for char in value):
        return "It contains a character that can't be printed.", "Type the value again instead of copying it."
    if len(value) > LONGEST_VALUE:
        return f"It is {len(value):,} characters long.", "Set it to the value alone, and not to a file's content."
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return "It is in quotes, which are part of the value.", "Remove the quotes."
    return "", ""


def fingerprint(key: str, name: str, value: str) -> str:
    digest = hmac.new(key.encode(), f"{name}={value}".encode(errors="surrogateescape"), hashlib.sha256)
    return digest.hexdigest()[:FINGERPRINT_CHARACTERS]
