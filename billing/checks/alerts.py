"""System checks for what happens when a buyer's bank disputes a payment."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from billing.models.suspensions import POLICIES
from billing.services import alerts

Apps = Sequence[AppConfig] | None


@register("billing")
def check_dispute_policy(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    if settings.BILLING_ACCESS_ON_DISPUTE in POLICIES:
        return []
    return [
        Error(
            f"BILLING_ACCESS_ON_DISPUTE is {settings.BILLING_ACCESS_ON_DISPUTE!r}.",
            hint=f"Use one of {', '.join(POLICIES)}.",
            id="billing.E020",
        )
    ]


@register("billing")
def check_alert_addresses(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"No email can be sent to {address!r}, which is to be alerted of disputes.",
            hint="Correct BILLING_ALERT_EMAILS or ADMINS: email addresses without names.",
            id="billing.E021",
        )
        for address in alerts.configured()
        if not alerts.is_usable(address)
    ]


# Its own tag, so that the checks of billing alone report only what keeps people from paying.
@register("alerts", deploy=True)
def check_somebody_is_alerted(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    if not settings.STRIPE_SECRET_KEY or alerts.configured():
        return []
    return [
        Warning(
            "Nobody is alerted by email if a payment is disputed.",
            hint="Set BILLING_ALERT_EMAILS. Stripe gives you about a week to respond.",
            id="billing.W020",
        )
    ]
