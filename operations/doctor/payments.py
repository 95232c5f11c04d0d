"""Stripe's settings, and whether payments can be made and recorded."""

import re
from collections.abc import Iterator

from django.conf import settings

from billing.services import alerts
from operations.doctor.checks import Check, Trouble, error, warning

KEY = re.compile(r"(sk|rk)_(test|live)_[!-~]+")
FORM = "A secret key begins with sk_live_, sk_test_, rk_live_, or rk_test_."


def mode_of_key() -> str:
    """Return test or live, or an empty string without a valid key."""
    key = KEY.fullmatch(settings.STRIPE_SECRET_KEY)
    return key[2] if key else ""


def key() -> Iterator[Trouble]:
    if not settings.STRIPE_SECRET_KEY:
        return
    if not mode_of_key():
        yield error("It is not a secret key of Stripe.", f"Copy the secret key from Stripe's dashboard. {FORM}")
    elif mode_of_key() == "test" and settings.IS_PRODUCTION:
        problem = "It is a key for test mode, so people can get a plan with a test card, without paying."
        if settings.STRIPE_LIVEMODE:
            return  # the check of the mode reports that
        fix = "Set STRIPE_SECRET_KEY to the live key. On a staging server, set STRIPE_LIVEMODE=false to allow this."
        is_intended = any(row.name == "STRIPE_LIVEMODE" and is_given(row.source) for row in settings.VARIABLES)
        yield warning(problem, fix) if is_intended else error(problem, fix)


def is_given(source: str) -> bool:
    return source != "default" and not source.startswith("derived")


def mode() -> Iterator[Trouble]:
    """Compare the mode of the key with the mode of the events that take effect."""
    used = mode_of_key()
    if used and settings.STRIPE_LIVEMODE not in (None, used == "live"):
        expected = "live" if settings.STRIPE_LIVEMODE else "test"
        yield error(
            f"Only events from {expected} mode take effect, but STRIPE_SECRET_KEY is a {used} key, so no payment is "
            "recorded.",
            "Unset STRIPE_LIVEMODE, so that it follows the key.",
        )


def webhook_secret() -> Iterator[Trouble]:
    if settings.STRIPE_SECRET_KEY and not settings.STRIPE_WEBHOOK_SECRETS:
        yield error(
            "It is not set, so payments are never recorded.",
            f"Add the endpoint {settings.APP_URL}/stripe/webhook at Stripe, and set the variable to its secret.",
        )


def alert_addresses() -> Iterator[Trouble]:
    for address in alerts.configured():
        if not alerts.is_usable(address):
            yield error(
                f"No email can be sent to {address!r}.",
                "Set BILLING_ALERT_EMAILS to email addresses without names, separated by commas.",
            )
    if settings.STRIPE_SECRET_KEY and settings.IS_PRODUCTION and not alerts.configured():
        yield warning(
            "It is not set, so nobody learns of a disputed payment in the week that Stripe gives you.",
            "Set BILLING_ALERT_EMAILS to the email addresses of those who respond to disputes.",
        )


CHECKS = (
    Check("payments.key", "STRIPE_SECRET_KEY", key),
    Check("payments.mode", "STRIPE_LIVEMODE", mode),
    Check("payments.webhook_secret", "STRIPE_WEBHOOK_SECRETS", webhook_secret),
    Check("payments.alerts", "BILLING_ALERT_EMAILS", alert_addresses),
)
