from collections.abc import Callable, Iterator

import pytest
from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model
from stripe import HTTPClient

from accounts.models import User
from billing.tests.support.api_client import Browser
from billing.tests.support.stripe_events import SECRET
from billing.tests.support.stripe_standin import KEY, StripeStandIn
from emails.models import OutboundEmail


@pytest.fixture(autouse=True)
def endpoint(settings) -> None:
    """Stripe's endpoint is set up, and mail goes through the outbox."""
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.BILLING_PLANS = [
        {
            "slug": "pro", "name": "Pro", "price_id": "price_1SNa2bKq4RtYw2VdPro9Month",
            "amount": 2900, "currency": "usd", "interval": "month",
        },
    ]  # fmt: skip


@pytest.fixture
def ada(db) -> User:
    """User 7, whom the payloads are about, at an address that Stripe does not know."""
    user = User(pk=7, email="ada@own.example", name="Ada", language="en")
    user.set_password("correct horse battery")
    user.save(force_insert=True)
    let_others_follow(User)
    OutboundEmail.objects.all().delete()
    return user


def let_others_follow(model: type[Model]) -> None:
    """A sequence of PostgreSQL's knows nothing of a key that was given by hand."""
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(sql)


@pytest.fixture
def mails(db) -> Callable[[], dict[str, OutboundEmail]]:
    """The mails of billing in the outbox, by their keys."""

    def mails() -> dict[str, OutboundEmail]:
        return {row.idempotency_key or "": row for row in OutboundEmail.objects.exclude(kind="welcome")}

    return mails


@pytest.fixture
def stripe(settings, monkeypatch) -> Iterator[StripeStandIn]:
    """Stripe's API, with a key for it. Retries come ten times as fast as in production, and timeouts at once."""
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.05)
    with StripeStandIn() as standin:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_URL = KEY, standin.url
        settings.STRIPE_CALL_SECONDS = settings.STRIPE_REQUEST_SECONDS = 60
        yield standin


@pytest.fixture
def as_ada(ada) -> Browser:
    """What Ada's client sends to /api/billing/, with her token."""
    return Browser(ada)
