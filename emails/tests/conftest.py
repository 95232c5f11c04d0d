from collections.abc import Callable, Iterator

import pytest
from django.core.mail import EmailMessage

from emails import delivery
from emails.models import OutboundEmail
from emails.tests.support.provider_rules import Reply
from emails.tests.support.signed_events import (
    RESEND_SECRET,
    SENDGRID_PUBLIC_KEY,
    SEQUENZY_SECRET,
    WEBHOOK_SENDERS,
    WebhookSender,
)
from emails.tests.support.standin import StandIn

PROVIDERS = ["sequenzy", "resend", "sendgrid"]
KEYED = ["sequenzy", "resend"]  # providers that support idempotency keys


def pytest_make_parametrize_id(val: object) -> str | None:
    """Identify a scripted response by its status and body, so that a failing case shows what was scripted."""
    return f"{val.status} {val.body!r}"[:60] if isinstance(val, Reply) else None


@pytest.fixture(scope="session")
def standin_server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def provider_api(standin_server: StandIn) -> StandIn:
    """The providers' APIs: a real HTTP server on loopback, reset for each test."""
    standin_server.reset()
    return standin_server


@pytest.fixture
def outbox(settings, provider_api) -> None:
    """Email goes through the outbox, and the worker delivers it through Resend at the stand-in."""
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.EMAIL_UNKNOWN_WAIT_SECONDS = 300
    for provider in PROVIDERS:
        point_at_standin(settings, provider_api, provider)
    settings.EMAIL_PROVIDER = "resend"


def point_at_standin(settings, standin: StandIn, provider: str) -> None:
    setattr(settings, f"{provider.upper()}_API_KEY", f"key-of-{provider}")
    setattr(settings, f"{provider.upper()}_API_URL", standin.url(provider))


@pytest.fixture
def use_provider(settings, outbox, provider_api) -> Callable[[str], None]:
    """Return a function that makes the worker deliver through another provider, at the stand-in."""

    def use_provider(provider: str) -> None:
        point_at_standin(settings, provider_api, provider)
        settings.EMAIL_PROVIDER = provider

    return use_provider


@pytest.fixture
def queue_emails(db, outbox) -> Callable[..., list[OutboundEmail]]:
    """Return a function that queues ``count`` messages to person-0@example.com and so on, and returns their rows."""

    def queue_emails(count: int = 1, **attributes: object) -> list[OutboundEmail]:
        before = set(OutboundEmail.objects.values_list("pk", flat=True))
        for number in range(count):
            message = EmailMessage("Hello", "Hello there.", to=[f"person-{number}@example.com"])
            vars(message).update(attributes)
            message.send()
        return list(OutboundEmail.objects.exclude(pk__in=before))

    return queue_emails


@pytest.fixture
def deliver() -> Callable[[], int]:
    """One drain, as a worker does it."""
    return delivery.deliver_due


@pytest.fixture
def webhook_sender_for(db, settings) -> Callable[[str], WebhookSender]:
    """Give the receivers their secrets, and return a function from a provider's name to its WebhookSender."""
    settings.SEQUENZY_WEBHOOK_SECRETS = [SEQUENZY_SECRET]
    settings.RESEND_WEBHOOK_SECRETS = [RESEND_SECRET]
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_PUBLIC_KEY]
    return lambda provider: WEBHOOK_SENDERS[provider]()


@pytest.fixture(params=PROVIDERS)
def provider(request) -> str:
    """The name of each provider in turn."""
    return str(request.param)


@pytest.fixture
def webhook_sender(provider: str, webhook_sender_for: Callable[[str], WebhookSender]) -> WebhookSender:
    """Posts signed events as the provider does."""
    return webhook_sender_for(provider)


@pytest.fixture
def sent_email(
    provider: str,
    use_provider: Callable[[str], None],
    queue_emails: Callable[[], list[OutboundEmail]],
    deliver: Callable[[], int],
) -> OutboundEmail:
    """A message that the provider has accepted."""
    use_provider(provider)
    [email] = queue_emails()
    deliver()
    email.refresh_from_db()
    return email
