"""Reads variables with django-environ. An empty value counts as unset, and an invalid one names its variable."""

import os
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.utils import parseaddr
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import environ
from django.core.exceptions import ImproperlyConfigured

from settings import refusals
from settings.dotenv import read_dotenv
from settings.misspellings import ENVIRONMENT, misspellings
from settings.running import running_port
from settings.urls import SmtpServer, has_valid_port, is_base_url, smtp_server, split_or_none
from settings.urls import is_local_host as is_local_host

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"  # runtime files: git-ignored, and safe to delete while nothing is running
DOTENV = BASE_DIR / ".env"
RUNNING = VAR_DIR / "bin-dev"  # settings/running.py
DEVELOPMENT = "settings.development"
# Variables that not every settings module reads.
READ_BY_COMPOSE = {"DOMAIN", "FLOWER_BASIC_AUTH", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "TLS_ISSUER"}
READ_IN_PRODUCTION = {
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_HSTS_PRELOAD",
}
READ_IN_DEVELOPMENT = {"REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN"}
READ_BY_PROGRAMS = {
    "DJANGO_SETTINGS_MODULE",
    "COMPOSE_SETTINGS",
    "PORT",
    "VENV",
    "EMAIL_FAILPOINTS",
    "PROMETHEUS_MULTIPROC_DIR",
}

UNSET = re.compile(r"(change[-_ ]?me)?", re.IGNORECASE)
BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
EXPECTED = {bool: "true or false", int: "a whole number", float: "a number"}
RATE = re.compile(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)")
HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
COLOR = re.compile(r"#([0-9A-Fa-f]{3}){1,2}")
CONTACT = re.compile(r"(mailto:)?[!-?A-~]+@[!-?A-~]+|https://[!-~]+|tel:[0-9+()-]+")
MAXIMUM_DAYS = 3650
IDENTIFIER = re.compile(r"[!-~]{1,200}")
BROKER = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)
MAXIMUM_PORT = 65535


class Env(environ.Env):  # type: ignore[misc]  # django-environ ships no types
    """django-environ, restricted to variables that have a value. Records the name of every variable that is read.

    ``FOO=`` in a compose file or an .env file means "not set". So does ``change-me``, which .env.example contains where
    production needs a value: an unedited copy works for development. An invalid value raises ``ImproperlyConfigured``
    with the variable's name, where it is set, and what is allowed. The value is named unless it may be a secret.
    """

    names_read: ClassVar[set[str]] = set()
    lines: ClassVar[dict[str, int]] = {}  # of the variables that .env sets
    defaults: ClassVar[dict[str, Any]] = {}  # of the variables that were read
    ignored: ClassVar[set[str]] = set()  # treated as not set, to find what else is wrong (settings/diagnosis.py)

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, *_: object, **__: object) -> Any:
        """Return the parsed value. A leading ``$``, with which generated keys may begin, is literal."""
        self.names_read.add(var)
        self.defaults[var] = None if default is self.NOTSET else default
        if var in self.ENVIRON:
            if not is_utf8(self.ENVIRON[var]):  # otherwise, the first page or email that contains it would fail
                raise refusal(var, "text in UTF-8")
            try:
                return self.parse_value(self.ENVIRON[var], cast)
            except (KeyError, ValueError):
                raise refusal(var, EXPECTED[cast]) from None
        if default is self.NOTSET:
            raise ImproperlyConfigured(f"{var} is not set. See .env.example for its meaning.")
        return default

    @classmethod
    def parse_value(cls, value: str, cast: Any) -> Any:
        """Parse strictly. django-environ reads every unknown word as false and keeps the spaces in lists."""
        if cast is bool:
            return BOOLEANS[value.lower()]
        if cast is list:
            return [item.strip() for item in value.split(",") if item.strip()]
        return super().parse_value(value, cast)

    def __contains__(self, var: str) -> bool:
        self.names_read.add(var)
        return var in self.ENVIRON

    def hosts(self, var: str, default: Sequence[str] = ()) -> list[str]:
        hosts: list[str] = self.list(var, default=[*default])
        if not all(HOST.fullmatch(host) for host in hosts):
            raise refusal(var, "host names separated by commas, without scheme, port, or path, such as app.example.com")
        return hosts

    def contacts(self, var: str) -> list[str]:
        """Return URLs. An email address becomes a mailto: URL."""
        contacts: list[str] = self.list(var, default=[])
        if not all(CONTACT.fullmatch(contact) for contact in contacts):
            raise refusal(var, "email addresses or https:// URLs separated by commas")
        return [contact if ":" in contact else f"mailto:{contact}" for contact in contacts]

    def secrets(self, var: str) -> list[str]:
        """Return a list, so that a new secret can be added before the old one is removed."""
        items = [item.strip() for item in str(self.str(var, default="")).split(",")]
        if items == [""]:
            return []
        if not all(items):
            raise refusal(var, "secrets separated by commas, without empty ones")
        return items

    def origins(self, var: str) -> list[str]:
        """Return URLs that consist of scheme and host, perhaps with a wildcard, and perhaps a port."""
        origins: list[str] = self.list(var, default=[])
        if not all(is_base_url(origin.replace("//*.", "//")) and origin.count("/") == 2 for origin in origins):
            raise refusal(var, "origins separated by commas, without a path, such as https://app.example.com")
        return origins

    def whole_number(self, var: str, *, default: int, minimum: int = 1, maximum: int = 10**9) -> int:
        digits = self.str(var, default=str(default))
        if not (re.fullmatch(r"[0-9]{1,10}", digits) and minimum <= int(digits) <= maximum):
            raise refusal(var, f"a whole number of at least {minimum}, and at most {maximum}")
        return int(digits)

    def days(self, var: str, *, default: int) -> timedelta:
        return timedelta(days=self.whole_number(var, default=default, maximum=MAXIMUM_DAYS))

    def calls_per_second(self, var: str) -> float | None:
        """Return None if the variable isn't set."""
        digits = self.str(var, default="")
        if not re.fullmatch(r"([0-9]+(\.[0-9]+)?)?", digits):
            raise refusal(var, "a number of calls per second, such as 5 or 0.5, or 0 for no limit")
        return float(digits) if digits else None

    def choice(self, var: str, allowed: Sequence[str]) -> str:
        """Return one of ``allowed``, by default the first."""
        value = str(self.str(var, default=allowed[0]))
        if value not in allowed:
            raise refusal(var, "one of " + ", ".join(allowed))
        return value

    def rate(self, var: str, *, default: str) -> str:
        value = str(self.str(var, default=default))
        if not RATE.fullmatch(value):
            raise refusal(var, "a number per second, minute, hour, or day, such as 20/hour")
        return value

    def color(self, var: str, *, default: str) -> str:
        value = str(self.str(var, default=default))
        if not COLOR.fullmatch(value):
            raise refusal(var, "a color in hexadecimal digits, such as #2456d6 or #25d")
        return value

    def identifier(self, var: str, *, default: str) -> str:
        value = str(self.str(var, default=default))
        if not IDENTIFIER.fullmatch(value):
            raise refusal(var, "at most 200 ASCII characters without spaces, such as app.example.com or staging")
        return value

    def http_url(self, var: str, *, default: str) -> str:
        """Return a base URL without a trailing slash."""
        value = str(self.str(var, default=default)).rstrip("/")
        if not is_base_url(value):
            raise refusal(
                var, "a URL with its scheme and without a query, user, or password, such as https://app.example.com"
            )
        return value

    def redis_url(self, var: str) -> str:
        value = str(self.str(var, default=""))
        if value and not (value.startswith(("redis://", "rediss://", "unix:///")) and has_valid_port(value)):
            raise refusal(var, "redis://host:6379/0, rediss:// for TLS, or unix:///path")
        return value

    def broker_url(self, var: str, *, default: str) -> str:
        value = str(self.str(var, default=default))
        if value and not (BROKER.match(value) and has_valid_port(value)):
            raise refusal(var, "the URL of a broker, such as redis://host:6379/0 or amqp://user:password@host:5672//")
        return value

    def sender(self, var: str, *, default: str) -> str:
        value = str(self.str(var, default=default))
        local_part, at, domain = parseaddr(value)[1].rpartition("@")
        if not (local_part and at and domain):
            raise refusal(var, "an email address, with or without a name, such as Acme <hello@acme.example>")
        return value

    def database(self, var: str, *, default: str) -> dict[str, Any]:
        """Return an entry of DATABASES."""
        url = str(self.str(var, default=default))
        parts = split_or_none(url)
        if not url.startswith(("postgres://", "postgresql://", "sqlite:///")) or (parts and not parts.path.strip("/")):
            raise refusal(var, "postgres://user:password@host:5432/name or sqlite:////absolute/path")
        try:
            if parts is None or parts.fragment:
                raise ValueError
            return dict(self.db_url_config(url))
        except ValueError:  # an invalid port, usually because of a password that isn't percent-encoded
            raise refusal(
                var, "a URL in which characters such as @ : / # % in a password are percent-encoded"
            ) from None

    def smtp_server(self, var: str, *, default: str) -> SmtpServer:
        """Return the parts of an smtp://, smtp+tls://, smtp+ssl://, or smtps:// URL."""
        try:
            return smtp_server(self.str(var, default=default))
        except (KeyError, ValueError):
            raise refusal(var, "smtp://, smtp+tls://, or smtp+ssl://, followed by user:password@host:port") from None


def refusal(var: str, allowed: str) -> ImproperlyConfigured:
    """Return the error for an invalid value: the variable, its value unless that may be secret, and what is allowed."""
    value = Env.ENVIRON.get(var)
    return refusals.refusal(var, value, "" if value is None else source_of(var), allowed)


def source_of(var: str) -> str:
    return f".env, line {Env.lines[var]}," if var in Env.lines else ENVIRONMENT


def misspelled() -> Iterator[str]:
    """Yield a sentence for each variable whose name is almost one that this project reads.

    Settings call this at their end, because it needs to know which variables they read.
    """
    known = Env.names_read | READ_BY_COMPOSE | READ_IN_PRODUCTION | READ_IN_DEVELOPMENT | READ_BY_PROGRAMS
    yield from misspellings({name: source_of(name).rstrip(",") for name in Env.ENVIRON}, known)


def read_environment() -> Env:
    """Return the variables of the process, and those in .env that the process doesn't set."""
    values = {name: value.strip() for name, value in os.environ.items()}
    Env.ENVIRON = {name: value for name, value in values.items() if value}
    Env.lines = {}
    module = os.environ.get("DJANGO_SETTINGS_MODULE")
    if module != "settings.test":  # tests must not use a developer's keys
        text, lines = read_dotenv(DOTENV)
        Env.lines = {name: number for name, number in lines.items() if name not in Env.ENVIRON}
        Env.read_env(StringIO(text))
    Env.ENVIRON = {name: value for name, value in Env.ENVIRON.items() if is_set(name, value)}
    # Under Docker Compose, PORT means nothing.
    if module == DEVELOPMENT and "COMPOSE_SETTINGS" not in os.environ:
        use_port_of_bin_dev()
    return Env()


def is_utf8(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def is_set(name: str, value: str) -> bool:
    return name not in Env.ignored and not UNSET.fullmatch(value.strip())


def use_port_of_bin_dev() -> None:
    """Let commands in another terminal use the port of the bin/dev that is running, also in links."""
    if "PORT" not in Env.ENVIRON and (port := running_port(RUNNING)):
        Env.ENVIRON["PORT"] = str(port)
    if "PORT" in Env.ENVIRON:
        Env.ENVIRON.setdefault("APP_URL", f"http://localhost:{Env.ENVIRON['PORT']}")
