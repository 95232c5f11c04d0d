from collections.abc import Callable, Iterator

import pytest
from django.core.mail import EmailMessage

from emails import delivery
from emails.models import OutboundEmail
from emails.tests.support.signed_events import POSTERS, RESEND_SECRET, SENDGRID_PUBLIC_KEY, SEQUENZY_SECRET, Poster
from emails.tests.support.standin import StandIn

PROVIDERS = ["sequenzy", "resend", "sendgrid"]
KEYED = ["sequenzy", "resend"]


@pytest.fixture(scope="session")
def standin() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def api(standin: StandIn) -> StandIn:
    """The provider's API: a real HTTP server on loopback, as new."""
    standin.reset()
    return standin


@pytest.fixture
def outbox(settings, api) -> Callable[[str], None]:
    """Mail goes through the outbox, and the worker delivers it through Resend; call it to choose another provider."""

    def choose(provider: str) -> None:
        settings.EMAIL_PROVIDER = provider
        setattr(settings, f"{provider.upper()}_API_KEY", f"key-of-{provider}")
        setattr(settings, f"{provider.upper()}_API_URL", api.url(provider))

    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.EMAIL_UNKNOWN_WAIT_SECONDS = 300
    for provider in PROVIDERS:
        choose(provider)
    choose("resend")
    return choose


@pytest.fixture
def queue(db, outbox) -> Callable[..., list[OutboundEmail]]:
    """Queue ``count`` messages to person-0@example.com and so on; returns their rows."""

    def queue(count: int = 1, **attributes: object) -> list[OutboundEmail]:
        before = set(OutboundEmail.objects.values_list("pk", flat=True))
        for number in range(count):
            message = EmailMessage("Hello", "Hello there.", to=[f"person-{number}@example.com"])
            vars(message).update(attributes)
            message.send()
        return list(OutboundEmail.objects.exclude(pk__in=before))

    return queue


@pytest.fixture
def deliver() -> Callable[[], int]:
    """One drain, as a worker would do it."""
    return delivery.deliver_due


@pytest.fixture
def webhooks(db, settings) -> Callable[[str], Poster]:
    """The receivers with secrets of the tests; call it for what posts signed events to one of them."""
    settings.SEQUENZY_WEBHOOK_SECRETS = [SEQUENZY_SECRET]
    settings.RESEND_WEBHOOK_SECRETS = [RESEND_SECRET]
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_PUBLIC_KEY]
    return lambda provider: POSTERS[provider]()


@pytest.fixture(params=PROVIDERS)
def provider(request, outbox) -> str:
    """Each of the three in turn, chosen for the outbox."""
    outbox(request.param)
    return str(request.param)


@pytest.fixture
def poster(provider: str, webhooks: Callable[[str], Poster]) -> Poster:
    """Posts the provider's signed events."""
    return webhooks(provider)


@pytest.fixture
def row(provider: str, queue: Callable[[], list[OutboundEmail]], deliver: Callable[[], int]) -> OutboundEmail:
    """A message that the provider has taken."""
    [row] = queue()
    deliver()
    row.refresh_from_db()
    return row
