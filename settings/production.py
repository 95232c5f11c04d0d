"""Settings for production: secrets have no defaults, and a missing value or placeholder prevents the start."""

import re
from collections.abc import Iterator

from settings.base import *  # noqa: F403
from settings.base import (
    ALLOWED_HOSTS,
    EMAIL_DELIVERY_BACKEND,
    EMAIL_FALLBACK_PROVIDER,
    EMAIL_PROVIDER,
    METRICS_TOKEN,
    PLACEHOLDERS,
    SECRET_KEY,
    STRIPE_LIVEMODE,
    STRIPE_SECRET_KEY,
    STRIPE_WEBHOOK_SECRETS,
    env,
)
from settings.environment import misspelled
from settings.refusals import Refused, split_advice

IS_PRODUCTION = True

PROVIDER_VARIABLES = {
    "sequenzy": "SEQUENZY_API_KEY",
    "resend": "RESEND_API_KEY",
    "sendgrid": "SENDGRID_API_KEY",
    "smtp": "EMAIL_URL",
}
MIN_SECRET_KEY_CHARACTERS = 50
MIN_SECRET_KEY_DISTINCT_CHARACTERS = 10  # more than Django's 5; a random key has about 40
METRICS_TOKEN_FORM = re.compile(r"[!-~]{32,}")  # visible ASCII, because it is sent in a header


def required_variables() -> Iterator[str]:
    yield from ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "APP_URL", "DEFAULT_FROM_EMAIL")
    yield "TRUSTED_PROXY_COUNT"
    if not EMAIL_DELIVERY_BACKEND and EMAIL_PROVIDER in PROVIDER_VARIABLES:
        yield PROVIDER_VARIABLES[EMAIL_PROVIDER]
    if EMAIL_FALLBACK_PROVIDER in PROVIDER_VARIABLES:
        yield PROVIDER_VARIABLES[EMAIL_FALLBACK_PROVIDER]


def problems() -> Iterator[str]:
    """Yield every problem, so that nobody has to fix them one restart at a time."""
    yield from problems_with_variables()
    yield from problems_with_secret_key()
    yield from problems_with_values()
    yield from misspelled()


def problems_with_variables() -> Iterator[str]:
    yield from (f"{name} is not set" for name in required_variables() if name not in env)
    yield from (f"{name} still contains a placeholder" for name in PLACEHOLDERS)


def problems_with_secret_key() -> Iterator[str]:
    # Django's own check, security.W009, only warns, and only with `check --deploy`.
    if SECRET_KEY and (
        len(SECRET_KEY) < MIN_SECRET_KEY_CHARACTERS
        or len(set(SECRET_KEY)) < MIN_SECRET_KEY_DISTINCT_CHARACTERS
        or "insecure" in SECRET_KEY
    ):
        yield (
            f"SECRET_KEY must be random and have at least {MIN_SECRET_KEY_CHARACTERS} characters; create one with "
            'python -c "import secrets; print(secrets.token_urlsafe(50))"'
        )


def problems_with_values() -> Iterator[str]:
    """Yield the values that are valid in development but not in production."""
    if "*" in ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS=* accepts every Host header; list the host names that you serve"
    if not EMAIL_DELIVERY_BACKEND and EMAIL_PROVIDER not in PROVIDER_VARIABLES:
        yield (
            f"EMAIL_PROVIDER is {EMAIL_PROVIDER}, which doesn't deliver email; set it to one of "
            f"{', '.join(PROVIDER_VARIABLES)}, or set EMAIL_DELIVERY_BACKEND"
        )
    if EMAIL_FALLBACK_PROVIDER == "console":
        yield "EMAIL_FALLBACK_PROVIDER is console, which doesn't deliver email"
    if STRIPE_SECRET_KEY and not STRIPE_WEBHOOK_SECRETS:
        yield (
            "STRIPE_SECRET_KEY is set and STRIPE_WEBHOOK_SECRETS is not, so payments would never be recorded; "
            "set it to the secret of your endpoint at Stripe"
        )
    if METRICS_TOKEN and not METRICS_TOKEN_FORM.fullmatch(METRICS_TOKEN):
        yield (
            "METRICS_TOKEN must be random and have at least 32 letters, digits, or punctuation marks; create one with "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    if env.bool("DEBUG", default=False):
        yield "DEBUG is true; unset it or use settings.development"
    if SECURE_HSTS_PRELOAD and not (SECURE_HSTS_INCLUDE_SUBDOMAINS and SECURE_HSTS_SECONDS >= SECONDS_TO_PRELOAD):
        yield (
            f"SECURE_HSTS_PRELOAD needs SECURE_HSTS_SECONDS={SECONDS_TO_PRELOAD} or more, and "
            "SECURE_HSTS_INCLUDE_SUBDOMAINS=true, or browsers don't take the site into their lists; see docs/https.md"
        )


SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
# An hour, and this host alone, because browsers don't forget it: docs/https.md.
SECURE_HSTS_SECONDS = env.whole_number("SECURE_HSTS_SECONDS", default=60 * 60, minimum=0)
SECURE_HSTS_INCLUDE_SUBDOMAINS: bool = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD: bool = env.bool("SECURE_HSTS_PRELOAD", default=False)
SECONDS_TO_PRELOAD = 365 * 24 * 60 * 60  # https://hstspreload.org/#submission-requirements
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # they ask for both of the above, for every site

if found := [*problems()]:
    raise Refused(
        f"Production can't start: {'; '.join(found)}. "
        "See .env.example for the meaning of each variable. The value change-me counts as not set.",
        [split_advice(problem) for problem in found],
    )

if STRIPE_LIVEMODE is None:  # without a key; test events must not grant anything in production
    STRIPE_LIVEMODE = True

# __Host-: browsers accept such a cookie only from this host itself, over HTTPS. Other hosts of the domain can't set it.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
LANGUAGE_COOKIE_NAME = "__Host-language"
DEVICE_COOKIE_NAME = "__Host-known_device"
INBOX_COOKIE_NAME = "__Host-inbox"
NEXT_PAGE_COOKIE_NAME = "__Host-next_page"
MESSAGE_STORAGE = "common.messages.HostMessageStorage"
