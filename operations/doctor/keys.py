"""The secrets of this installation: whether they are secret, random, and used for one purpose only."""

from collections import defaultdict
from collections.abc import Iterator

from django.conf import settings

from operations.doctor.checks import Check, Trouble, error

LEAST_DISTINCT_CHARACTERS = 10  # a random token of 32 characters has about 22
LISTS = (
    "SEQUENZY_WEBHOOK_SECRETS",
    "RESEND_WEBHOOK_SECRETS",
    "SENDGRID_WEBHOOK_PUBLIC_KEYS",
    "STRIPE_WEBHOOK_SECRETS",
)
SINGLE = (
    "SECRET_KEY",
    "METRICS_TOKEN",
    "SEQUENZY_API_KEY",
    "RESEND_API_KEY",
    "SENDGRID_API_KEY",
    "STRIPE_SECRET_KEY",
    "EMAIL_HOST_PASSWORD",
)
LEAST_TOKEN_CHARACTERS = 32
COMMAND = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


def secrets() -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each secret that is set."""
    for name in SINGLE:
        if value := getattr(settings, name):
            yield name, value
    for name in LISTS:
        yield from ((name, value) for value in getattr(settings, name))


def public_secrets() -> Iterator[Trouble]:
    """Find secrets that everyone can read in the code of this project."""
    if not settings.IS_PRODUCTION:
        return
    for name, value in secrets():
        if value in settings.PUBLIC_SECRETS:
            yield error(
                "It is the secret of development settings, which everyone can read.",
                f"Set {name} to a secret of your own.",
                name,
            )


def shared_secrets() -> Iterator[Trouble]:
    """Find secrets that serve two purposes, so that a leak of one is a leak of both."""
    if not settings.IS_PRODUCTION:
        return
    names = defaultdict(set)
    for name, value in secrets():
        names[value].add(name)
    for sharing in names.values():
        first, *others = sorted(sharing)
        if others:
            yield error(
                f"It has the same value as {others[0]}.", f"Set {first} and {others[0]} to different secrets.", first
            )


def metrics_token() -> Iterator[Trouble]:
    token = settings.METRICS_TOKEN
    if not token or not settings.IS_PRODUCTION:
        return
    if len(token) < LEAST_TOKEN_CHARACTERS or len(set(token)) < LEAST_DISTINCT_CHARACTERS:
        yield error("It isn't random, so it can be guessed.", f"Set METRICS_TOKEN to the output of {COMMAND}.")


CHECKS = (
    Check("keys.public", "secrets", public_secrets),
    Check("keys.shared", "secrets", shared_secrets),
    Check("keys.metrics_token", "METRICS_TOKEN", metrics_token),
)
