"""Shows the value of a variable to a person without its secrets: hidden as a whole, or in part if it is a URL."""

import re

from settings.refusals import MAX_VALUE_CHARACTERS, SEARCHED_CHARACTERS, SECRET_NAMES, SECRET_VALUES

HIDDEN = "(hidden)"
MASK = "…"
# Variables that hold nothing but secrets. Others with such a name count as well, so that a new one is safe.
SECRETS = frozenset(
    {
        "METRICS_TOKEN",
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "RESEND_API_KEY",
        "RESEND_CONTACTS_API_KEY",
        "RESEND_WEBHOOK_SECRETS",
        "SECRET_KEY",
        "SENDGRID_API_KEY",
        "SENDGRID_CONTACTS_API_KEY",
        "SENDGRID_WEBHOOK_PUBLIC_KEYS",  # public, but long; and its place is where a private one could end up
        "SENTRY_DSN",
        "SEQUENZY_API_KEY",
        "SEQUENZY_CONTACTS_API_KEY",
        "SEQUENZY_WEBHOOK_SECRETS",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_WEBHOOK_SECRETS",
    }
)
NOT_SECRETS = frozenset({"SEQUENZY_WEBHOOK_KEY"})  # auto, text, or base64
# URLs that may contain a password. At some email services, the user is a secret as well.
URLS = frozenset({"CELERY_BROKER_URL", "DATABASE_URL", "EMAIL_URL", "REDIS_URL"})
URLS_WITH_A_USER = frozenset({"DATABASE_URL", "REDIS_URL"})
SHOWN_PARAMETERS = frozenset({"application_name", "connect_timeout", "db", "ssl_cert_reqs", "sslmode", "timeout"})
# Variables whose values may look like a key: host names, and the IDs of lists.
LONG_NAMES = frozenset(
    {"ALLOWED_HOSTS", "APP_URL", "CONTACTS_LISTS", "CORS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS", "INSTALLATION_ID"}
)
KEY = re.compile(r"\b(?:SG\.|(?:re|seq|sk|rk|pk|whsec)_)\w", re.ASCII)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,20}://", re.IGNORECASE)
HOST_AND_PATH = re.compile(r"[\w.,:\[\]-]*(/[\w./~%-]*)?")


def is_secret(name: str) -> bool:
    return name in SECRETS or (SECRET_NAMES.search(name) is not None and name not in NOT_SECRETS)


def shown(name: str, value: str) -> str:
    """Return the value in one line of at most 60 characters, without secrets. Empty for an empty value."""
    if not value:
        return ""
    if is_secret(name):
        return HIDDEN
    if name in URLS or (SCHEME.match(value) and "@" in value):
        return printable(masked_url(value, shows_user=name in URLS_WITH_A_USER))
    # A key that ended up in the wrong variable.
    pattern = KEY if name in LONG_NAMES else SECRET_VALUES
    if pattern.search(value[:SEARCHED_CHARACTERS]):
        return HIDDEN
    return printable(value)


def printable(value: str) -> str:
    """Return the value without what a terminal can't show, and shortened."""
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value[:MAX_VALUE_CHARACTERS])
    return text + (MASK if len(value) > MAX_VALUE_CHARACTERS else "")


def masked_url(url: str, *, shows_user: bool) -> str:
    """Return the URL without its password. What follows the last @ is the host, because passwords may contain @."""
    scheme = SCHEME.match(url)
    if not scheme:
        return HIDDEN
    login, at, rest = url[scheme.end() :].rpartition("@")
    place, question_mark, query = rest.partition("?")
    if not HOST_AND_PATH.fullmatch(place):
        return f"{scheme[0]}{MASK}"
    user, colon, _ = login.partition(":")
    # redis://password@host is a common mistake, so a user without a password may be one.
    shown_login = f"{user}:{MASK}" if colon and shows_user else MASK
    parameters = "&".join(map(masked_parameter, query.split("&")))
    return f"{scheme[0]}{shown_login + at if at else ''}{place}{question_mark}{parameters}"


def masked_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    if not parameter or name in SHOWN_PARAMETERS:
        return parameter
    return f"{name if re.fullmatch(r'[a-z_]{1,30}', name) else MASK}{equals}{MASK if equals else ''}"
