"""Fixtures for the tests of billing: Ada, Stripe's API, the webhook, and queued emails.

The most common test posts an event as Stripe does, with ``post()`` from support/stripe_events.py, and then looks at the
rows of billing and at ``queued_emails()``.
"""

from collections.abc import Callable, Iterator

import pytest
from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model
from stripe import HTTPClient

from accounts.models import User
from billing.tests.support.api_client import BillingClient
from billing.tests.support.changes import stripe_with_prices
from billing.tests.support.stripe_billing import StripeBilling
from billing.tests.support.stripe_events import SECRET
from billing.tests.support.stripe_standin import KEY, StripeStandIn
from emails.models import OutboundEmail


@pytest.fixture(autouse=True)
def configured_billing(settings) -> None:
    """Set the webhook's secret, the outbox as the email backend, and one plan: Pro for $29.00 per month."""
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.BILLING_PLANS = [
        {
            "slug": "pro",
            "name": "Pro",
            "price_id": "price_1SNa2bKq4RtYw2VdPro9Month",
            "amount": 2900,
            "currency": "usd",
            "interval": "month",
        },
    ]


@pytest.fixture
def ada(db) -> User:
    """Provide the user with ID 7. The metadata in Stripe's payloads refers to this ID.

    The payloads contain ada@example.com, but the account has ada@own.example. The recipient of an email therefore shows
    whether billing has found the user or has only used the email address in the event.
    """
    user = User(pk=7, email="ada@own.example", name="Ada", language="en")
    user.set_password("correct horse battery")
    user.save(force_insert=True)
    reset_sequence(User)
    OutboundEmail.objects.all().delete()
    return user


def reset_sequence(model: type[Model]) -> None:
    """Move PostgreSQL's sequence past a primary key that was set explicitly."""
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(sql)


@pytest.fixture
def queued_emails(db) -> Callable[[], dict[str, OutboundEmail]]:
    """Provide a function that returns billing's emails in the outbox as a dictionary by idempotency key."""

    def queued_emails() -> dict[str, OutboundEmail]:
        return {row.idempotency_key or "": row for row in OutboundEmail.objects.exclude(kind="welcome")}

    return queued_emails


@pytest.fixture
def stripe_api(settings, monkeypatch) -> Iterator[StripeStandIn]:
    """Provide an HTTP server on 127.0.0.1 that responds as Stripe's API does, and set a key that it accepts.

    The pause before a retry is a tenth of the usual one. A busy machine gets 60 seconds for a call, and the server
    reports scripted timeouts immediately.
    """
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.05)
    with StripeStandIn() as standin:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_URL = KEY, standin.url
        settings.STRIPE_CALL_SECONDS = settings.STRIPE_REQUEST_SECONDS = 60
        yield standin


@pytest.fixture
def ada_api(ada) -> BillingClient:
    """Provide a client for /api/billing/ that sends Ada's token."""
    return BillingClient(ada)


@pytest.fixture
def without_jitter(monkeypatch) -> None:
    """Make every backoff as long as it can be, instead of random."""
    monkeypatch.setattr("common.retry.random.uniform", lambda shortest, longest: longest)


@pytest.fixture
def stripe(settings, monkeypatch) -> Iterator[StripeBilling]:
    """Provide a small Stripe with subscriptions, and set the plans whose prices it has (support/changes.py)."""
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.05)
    with stripe_with_prices(settings) as standin:
        yield standin
