"""System checks for settings that would keep people from paying, or payments from being recorded."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.utils.functional import Promise

from billing.plans import PLACEHOLDER

Apps = Sequence[AppConfig] | None

KEY = re.compile(r"(sk|rk)_(test|live)_[!-~]+")
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
INTERVALS = ("day", "week", "month", "year")
PLANS_HINT = "Fix BILLING_PLANS in settings/plans.py."


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_list_of_text(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(is_text, value))


# What each field accepts, as a test and in words.
FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "slug": (
        lambda value: isinstance(value, str) and bool(SLUG.fullmatch(value)),
        "lowercase letters, digits, - and _",
    ),
    "name": (is_text, "a non-empty string"),
    "price_id": (is_text, "the ID of a price at Stripe, price_…"),
    "amount": (lambda value: type(value) is int and value >= 0, "a whole number of minor units, such as 2900"),
    "currency": (
        lambda value: isinstance(value, str) and bool(re.fullmatch("[a-z]{3}", value)),
        "three lowercase letters, such as usd",
    ),
    "interval": (lambda value: value in INTERVALS, f"one of {', '.join(INTERVALS)}"),
    "description": (lambda value: isinstance(value, str | Promise), "a string"),
    "former_price_ids": (is_list_of_text, "a list of price IDs"),
}
OPTIONAL = ("description", "former_price_ids")


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
    plans = settings.BILLING_PLANS
    if not isinstance(plans, list | tuple):
        return [Error("BILLING_PLANS is not a list.", hint=PLANS_HINT, id="billing.E003")]
    problems = [
        problem for number, plan in enumerate(plans, start=1) for problem in problems_of_plan(f"Plan {number}", plan)
    ]
    problems = problems or [*duplicates(plans)]
    return [Error(problem, hint=PLANS_HINT, id="billing.E003") for problem in problems]


def problems_of_plan(which: str, plan: object) -> Iterator[str]:
    if not isinstance(plan, Mapping):
        yield f"{which} is not a dictionary."
        return
    for field in plan.keys() - FIELDS.keys():
        yield f"{which} has an unknown field {field!r}."
    for field, (is_valid, accepted) in FIELDS.items():
        if field not in plan and field not in OPTIONAL:
            yield f"{which} is missing {field!r}."
        elif field in plan and not is_valid(plan[field]):
            yield f"{which}: {field!r} must be {accepted}."


def duplicates(plans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    slugs = Counter(plan["slug"] for plan in plans)
    prices = Counter(price for plan in plans for price in {plan["price_id"], *plan.get("former_price_ids", ())})
    for field, counted in (("slug", slugs), ("price", prices)):
        for value, count in counted.items():
            if count > 1:
                yield f"The {field} {value!r} is used by {count} plans."


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
def check_prices(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Only warn, so that everything except buying works during development."""
    return [Warning(problem, hint=hint, id="billing.W001") for problem, hint in placeholders()]


@register("billing", deploy=True)
def check_prices_for_deployment(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [Error(problem, hint=hint, id="billing.E005") for problem, hint in placeholders()]


def placeholders() -> Iterator[tuple[str, str]]:
    """Yield a message and a hint for each plan that can't be bought yet."""
    if not settings.STRIPE_SECRET_KEY or check_plans(None):
        return
    for plan in settings.BILLING_PLANS:
        if plan["price_id"].startswith(PLACEHOLDER):
            yield (
                f"The plan {plan['name']} can't be bought because its price ID is still a placeholder.",
                "Add its Stripe price ID to settings/plans.py, or remove the plan.",
            )
