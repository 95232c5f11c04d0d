"""System checks for settings that would keep people from paying, or payments from being recorded."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.utils.module_loading import import_string

from billing.checks.checkout_terms import problems_of_terms
from billing.checks.doubts import doubts_about_offers
from billing.checks.offers import is_text, problems_of_offers
from billing.plans import all_add_ons, all_plans, all_products

Apps = Sequence[AppConfig] | None

KEY = re.compile(r"(sk|rk)_(test|live)_[!-~]+")
CHECKOUT_HINT = "Fix BILLING_CHECKOUT in settings/plans.py."
PLANS_HINT = "Fix it in settings/plans.py, which describes each field."


@register("billing")
def check_webhook_secrets(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    if all(map(is_text, settings.STRIPE_WEBHOOK_SECRETS)):
        return []
    return [
        Error(
            "STRIPE_WEBHOOK_SECRETS contains an empty secret, which lets anyone sign events.",
            hint="Remove it, or copy the secret (whsec_…) from the endpoint's page at Stripe.",
            id="billing.E001",
        )
    ]


@register("billing")
def check_key(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    if not settings.STRIPE_SECRET_KEY or KEY.fullmatch(settings.STRIPE_SECRET_KEY):
        return []
    return [
        Error(
            "STRIPE_SECRET_KEY is not a Stripe secret key.",
            hint="A secret key starts with sk_live_, sk_test_, rk_live_, or rk_test_. A key that starts with pk_ is "
            "the publishable key.",
            id="billing.E002",
        )
    ]


@register("billing")
def check_plans(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [Error(problem, hint=PLANS_HINT, id="billing.E003") for problem in problems_of_offers()]


@register("billing")
def check_livemode(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Report a key of one mode with events of the other, which would all be ignored."""
    key = KEY.fullmatch(settings.STRIPE_SECRET_KEY)
    if not key or settings.STRIPE_LIVEMODE in (None, key[2] == "live"):
        return []
    expected, used = ("live", "test") if settings.STRIPE_LIVEMODE else ("test", "live")
    return [
        Error(
            f"STRIPE_SECRET_KEY is a {used} key, but STRIPE_LIVEMODE is set to {expected} mode, so no payment would be "
            "recorded.",
            hint="Unset STRIPE_LIVEMODE, so that it follows the key.",
            id="billing.E004",
        )
    ]


@register("billing")
def check_seats(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Report a function that can't be called: it would fail only once somebody buys seats."""
    try:
        is_usable = not settings.BILLING_SEATS_IN_USE or callable(import_string(settings.BILLING_SEATS_IN_USE))
    except ImportError:
        is_usable = False
    if is_usable:
        return []
    return [
        Error(
            f"BILLING_SEATS_IN_USE names {settings.BILLING_SEATS_IN_USE!r}, which can't be imported or called.",
            hint="Set it to the path of a function that takes a user and returns how many seats are in use.",
            id="billing.E007",
        )
    ]


@register("billing")
def check_prices(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Only warn, so that everything except buying works during development."""
    return [Warning(problem, hint=hint, id="billing.W001") for problem, hint in placeholders()]


@register("billing", deploy=True)
def check_prices_for_deployment(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [Error(problem, hint=hint, id="billing.E005") for problem, hint in placeholders()]


@register("billing")
def check_doubts(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    doubts = [] if check_plans(None) else doubts_about_offers()
    return [Warning(doubt, hint=PLANS_HINT, id="billing.W002") for doubt in doubts]


@register("billing")
def check_checkout_terms(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [Error(problem, hint=CHECKOUT_HINT, id="billing.E006") for problem in problems_of_terms()]


def placeholders() -> Iterator[tuple[str, str]]:
    """Yield a message and a hint for each plan, add-on, and product that can't be bought yet."""
    if not settings.STRIPE_SECRET_KEY or check_plans(None):
        return
    for offer in [*all_plans(), *all_add_ons(), *all_products()]:
        if any(price.is_placeholder for price in offer.prices):
            yield (
                f"{offer.name} can't be bought because its price ID is still a placeholder.",
                "Add its Stripe price ID to settings/plans.py, or remove it.",
            )
