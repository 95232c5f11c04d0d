"""Fixtures for the tests of emails: a local server in place of the providers, the outbox, and webhook senders.

The most common test queues an email with ``queue_emails``, sends it with ``deliver``, and looks at
``provider_api.accepted`` or reports what happened to the email with ``webhook_sender``.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db.models.functions import Now

from emails import delivery
from emails.models import OutboundEmail, ProviderState, Status
from emails.tests.support.clock import travel
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
SWEEP_EVERY = timedelta(seconds=15)  # beat starts a drain that often
KEYED = ["sequenzy", "resend"]  # providers that support idempotency keys


def pytest_make_parametrize_id(val: object) -> str | None:
    """Identify a scripted response by its status and body, so that a failing case shows what was scripted."""
    return f"{val.status} {val.body!r}"[:60] if isinstance(val, Reply) else None


@pytest.fixture(scope="session")
def standin_server() -> Iterator[StandIn]:
    """Provide the HTTP server behind ``provider_api``, which all tests of one process share."""
    with StandIn() as server:
        yield server


@pytest.fixture
def provider_api(standin_server: StandIn) -> StandIn:
    """Provide an HTTP server on 127.0.0.1 that responds as the APIs of the three providers do.

    ``provider_api.accepted`` holds the emails that it has accepted, and ``provider_api.calls`` counts all requests. A
    test scripts the next responses with ``provider_api.faults = ["429", "500"]``. The server is reset for each test.
    """
    standin_server.reset()
    return standin_server


@pytest.fixture
def outbox(settings, provider_api) -> None:
    """Set EMAIL_BACKEND to the outbox, and make delivery use Resend at ``provider_api``."""
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
    """Provide a function that makes delivery use another provider: ``use_provider("sendgrid")``."""

    def use_provider(provider: str) -> None:
        point_at_standin(settings, provider_api, provider)
        settings.EMAIL_PROVIDER = provider

    return use_provider


@pytest.fixture
def queue_emails(db, outbox) -> Callable[..., list[OutboundEmail]]:
    """Provide a function that queues ``count`` emails and returns their rows.

    The recipients are person-0@example.com, person-1@example.com, and so on. Keyword arguments become attributes of
    each message: ``queue_emails(1, idempotency_key="receipt:1")``.
    """

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
    """Provide the function that sends all queued emails that are due, as a Celery worker does."""
    return delivery.deliver_due


@pytest.fixture
def store_sent_email(queue_emails, outbox) -> Callable[..., OutboundEmail]:
    """Provide a function that stores an email as accepted by a provider, with the provider's ID of it."""

    def store_sent_email(provider: str, message_id: str, *, to: str = "ada@example.com") -> OutboundEmail:
        email: OutboundEmail
        [email] = queue_emails(to=to.split())
        sent = {"status": Status.SENT, "sent_at": Now(), "settled_at": Now(), "due_at": None, "provider": provider}
        OutboundEmail.objects.filter(pk=email.pk).update(**sent, provider_message_id=message_id)
        email.refresh_from_db()
        return email

    return store_sent_email


@pytest.fixture
def webhook_sender_for(db, settings) -> Callable[[str], WebhookSender]:
    """Provide a function that returns the ``WebhookSender`` of a provider: ``webhook_sender_for("resend")``.

    A ``WebhookSender`` signs events and posts them to our webhook receiver. The fixture also sets the secrets with
    which the receivers check the signatures.
    """
    settings.SEQUENZY_WEBHOOK_SECRETS = [SEQUENZY_SECRET]
    settings.RESEND_WEBHOOK_SECRETS = [RESEND_SECRET]
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_PUBLIC_KEY]
    return lambda provider: WEBHOOK_SENDERS[provider]()


@pytest.fixture(params=PROVIDERS)
def provider(request) -> str:
    """Provide the name of a provider. A test that uses this fixture runs once per provider."""
    return str(request.param)


@pytest.fixture
def sync_contacts(provider_api, db, use_provider, settings) -> Callable[[str], Any]:
    """Provide a function that switches contact sync on, and returns the stand-in's contacts API of the provider."""

    def sync_contacts(provider: str) -> Any:
        use_provider(provider)
        settings.CONTACTS_SYNC = True
        settings.EMAIL_RATE_PER_SECOND = 0
        return provider_api.contact_apis[provider]

    return sync_contacts


@pytest.fixture
def contacts_at(provider: str, sync_contacts: Callable[[str], Any]) -> Any:
    """Provide the stand-in's contacts API of ``provider``, with contact sync on."""
    return sync_contacts(provider)


@pytest.fixture
def webhook_sender(provider: str, webhook_sender_for: Callable[[str], WebhookSender]) -> WebhookSender:
    """Provide the ``WebhookSender`` of ``provider``. A test that uses this fixture runs once per provider."""
    return webhook_sender_for(provider)


@pytest.fixture
def sent_email(
    provider: str,
    use_provider: Callable[[str], None],
    queue_emails: Callable[[], list[OutboundEmail]],
    deliver: Callable[[], int],
) -> OutboundEmail:
    """Provide the row of an email that ``provider`` has accepted. Its recipient is person-0@example.com."""
    use_provider(provider)
    [email] = queue_emails()
    deliver()
    email.refresh_from_db()
    return email


@pytest.fixture
def use_two(settings, use_provider) -> Callable[..., None]:
    """Provide a function that makes delivery use two providers: ``use_two("resend", "sendgrid")``."""

    def use_two(first: str = "resend", second: str = "sendgrid") -> None:
        use_provider(first)
        settings.EMAIL_FALLBACK_PROVIDER = second

    return use_two


@pytest.fixture
def live_through(deliver) -> Callable[[timedelta], None]:
    """Provide a function that lets time pass and delivers as beat does, every 15 seconds."""

    def live_through(duration: timedelta) -> None:
        for _ in range(duration // SWEEP_EVERY):
            travel(SWEEP_EVERY)
            deliver()

    return live_through


@pytest.fixture
def fail_over(use_two, provider_api, queue_emails, deliver, live_through) -> Callable[..., None]:
    """Provide a function that takes the first provider down with ``fault`` until the second has sent six emails."""

    def fail_over(first: str = "resend", second: str = "sendgrid", fault: str | Reply = "401") -> None:
        use_two(first, second)
        provider_api.defaults = {first: fault}
        queue_emails(6)
        deliver()
        while not ProviderState.objects.get(pk=first).down_since:
            live_through(SWEEP_EVERY)
        travel(timedelta(minutes=5))
        live_through(3 * SWEEP_EVERY)

    return fail_over
