"""Webhooks that should have delivered an event by now, and never have."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from billing.models import Customer, StripeEvent
from common.db import database_now
from emails.backends import configured_provider, fallback_provider
from emails.models import DeliveryAttempt, DeliveryEvent
from emails.webhooks.views import RECEIVERS
from operations.doctor.checks import Check, Trouble, serious, warning
from operations.doctor.delivery import webhook_url

EXPECTED_AFTER = timedelta(hours=1)
LOOKED_AT = 10_000  # of the newest rows, so that large tables stay fast


def delivery_events() -> Iterator[Trouble]:
    """Find providers that took emails an hour ago and have reported nothing since."""
    for name in filter(None, [configured_provider(), fallback_provider()]):
        if name not in RECEIVERS or not has_sent(name) or has_reported(name):
            continue
        variable = RECEIVERS[name].variable
        problem = f"{name} has never reported an event, so bounces and complaints are not recorded."
        if getattr(settings, variable):
            fix = f"Check that its webhook posts to {webhook_url(name)}, and that {variable} is its secret."
        else:
            fix = f"Have it post its events to {webhook_url(name)}, and set {variable} to the secret that it displays."
        yield serious(problem, fix, name)


def has_sent(provider: str) -> bool:
    """Return whether the provider accepted an email more than an hour ago."""
    old = DeliveryAttempt.objects.filter(created_at__lt=database_now() - EXPECTED_AFTER).order_by("-created_at")
    newest = old.values_list("provider", "outcome", "contact_change")[:LOOKED_AT]
    accepted = DeliveryAttempt.Outcome.ACCEPTED
    return any(row[:2] == (provider, accepted) and row[2] is None for row in newest)


def has_reported(provider: str) -> bool:
    newest = DeliveryEvent.objects.order_by("-received_at").values_list("provider", flat=True)[:LOOKED_AT]
    return provider in {*newest}


def stripe_events() -> Iterator[Trouble]:
    """Check that Stripe has reported anything. Before the first customer, it may have had no reason."""
    if not settings.STRIPE_SECRET_KEY or StripeEvent.objects.exists():
        return
    url = f"{settings.APP_URL}/stripe/webhook"
    fix = f"Add the endpoint {url} at Stripe, set STRIPE_WEBHOOK_SECRETS to its secret, and send a test event."
    trouble = serious if Customer.objects.exists() else warning
    yield trouble("Stripe has never reported an event, so payments may not be recorded.", fix)


CHECKS = (
    Check("webhooks.delivery", "delivery events", delivery_events),
    Check("webhooks.stripe", "Stripe's events", stripe_events),
)
