"""Django email backends: outbox.py is the entrance, where emails enter the outbox; the other modules deliver.

Each provider is a plain Django email backend, and the worker that delivers the outbox uses the same classes. A backend
is cheap to make, as Django makes one for each send: the connections belong to the process (common/http). The outbox
itself, ``emails.backends.outbox.OutboxBackend``, is not imported here because it needs the models.
"""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from emails.backends.api import ApiBackend
from emails.backends.base import DeliveryBackend, ProviderClient
from emails.backends.contacts import SequenzyContacts, SharedKeyContacts
from emails.backends.relay import RelayBackend
from emails.backends.resend import ResendBackend
from emails.backends.sendgrid import SendGridBackend
from emails.backends.sequenzy import SequenzyBackend

__all__ = [
    "ResendBackend",
    "SendGridBackend",
    "SequenzyBackend",
    "configured_provider",
    "contacts_provider",
    "get_backend",
    "get_client",
    "get_contacts",
    "key_lifetime_of",
]

PROVIDERS: dict[str, type[ApiBackend]] = {
    backend.name: backend for backend in (SequenzyBackend, ResendBackend, SendGridBackend)
}
RELAYS = {
    "console": "django.core.mail.backends.console.EmailBackend",
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
}
OUTBOX = "emails.backends.outbox.OutboxBackend"
NAMES_BY_PATH = {f"{__name__}.{backend.__name__}": name for name, backend in PROVIDERS.items()} | {
    path: name for name, path in RELAYS.items()
}


def configured_provider() -> str:
    """Return the provider of new emails: a name in PROVIDERS or RELAYS, or the path in EMAIL_DELIVERY_BACKEND."""
    path = settings.EMAIL_DELIVERY_BACKEND
    return NAMES_BY_PATH.get(path, path) or settings.EMAIL_PROVIDER


def contacts_provider() -> str:
    """Return the name under which contact changes are sent, or an empty string if the provider has no contacts.

    It selects a row of ProviderState: contacts with a key of their own have a rate of their own.
    """
    if configured_provider() != SequenzyBackend.name:
        return ""
    return SequenzyContacts.name if settings.SEQUENZY_CONTACTS_API_KEY else SharedKeyContacts.name


def get_contacts() -> SequenzyContacts:
    """Return a client for contacts. Raises ImproperlyConfigured with the setting that is missing."""
    return SequenzyContacts() if settings.SEQUENZY_CONTACTS_API_KEY else SharedKeyContacts()


def get_client(provider: str) -> ProviderClient:
    """Return the client for this name, for emails or contacts. Raises ImproperlyConfigured like get_backend()."""
    return get_contacts() if provider == SequenzyContacts.name else get_backend(provider)


def key_lifetime_of(provider: str) -> timedelta | None:
    """Return how long the provider remembers an Idempotency-Key, even if its settings are now missing."""
    clients: dict[str, type[ProviderClient]] = {**PROVIDERS, SequenzyContacts.name: SequenzyContacts}
    client = clients.get(provider)
    return client.key_lifetime if client else None


def get_backend(provider: str) -> DeliveryBackend:
    """Return a new backend for the provider. Raises ImproperlyConfigured with the setting that is missing or wrong."""
    if provider in PROVIDERS:
        return PROVIDERS[provider]()
    if provider in RELAYS:
        return RelayBackend(RELAYS[provider], provider)
    if "." not in provider:
        names = ", ".join([*RELAYS, *PROVIDERS])
        raise ImproperlyConfigured(
            f"The email provider {provider!r} is unknown. Set EMAIL_PROVIDER to one of {names}, "
            "or EMAIL_DELIVERY_BACKEND to the dotted path of a Django email backend."
        )
    if provider == OUTBOX:
        raise ImproperlyConfigured("EMAIL_DELIVERY_BACKEND is the outbox, which can't deliver to itself.")
    return _backend_by_path(provider)


def _backend_by_path(path: str) -> DeliveryBackend:
    """Return the backend at this dotted path, inside a RelayBackend unless it is one of this package's kind."""
    relay = RelayBackend(path)
    if not issubclass(relay.backend_class, DeliveryBackend):
        return relay
    backend = relay.backend_class()
    backend.name = path
    return backend
