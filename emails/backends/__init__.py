"""Django email backends. ``OutboxBackend`` (outbox.py) stores emails, and the other backends deliver them.

Both kinds can be set as ``EMAIL_BACKEND``. Usually it is ``OutboxBackend``, and the worker that delivers the outbox
gets the provider's backend from ``get_backend()``.

Django creates a backend object for each send, so creating one must cost little. Connections to a provider therefore
belong to the process and not to a backend (common/http).
"""

# OutboxBackend isn't imported here, because it imports the models. The other backends don't need any.

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from emails.backends.api import ApiBackend
from emails.backends.base import DeliveryBackend, ProviderClient
from emails.backends.contacts import CONTACTS, ContactsClient, email_provider_of
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
    "email_provider_of",
    "fallback_provider",
    "get_backend",
    "get_client",
    "get_contacts",
    "key_lifetime_of",
]

# The names are values of EMAIL_PROVIDER, and they are stored in the column ``provider`` of emails and attempts.
PROVIDERS: dict[str, type[ApiBackend]] = {
    backend.name: backend for backend in (SequenzyBackend, ResendBackend, SendGridBackend)
}
RELAYS = {
    "console": "emails.backends.console.ConsoleBackend",
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
}
OUTBOX = "emails.backends.outbox.OutboxBackend"
# EMAIL_DELIVERY_BACKEND may contain the dotted path of a provider that also has a name. Its rows get the name.
NAMES_BY_PATH = {f"{__name__}.{backend.__name__}": name for name, backend in PROVIDERS.items()} | {
    path: name for name, path in RELAYS.items()
}
NAMES_BY_PATH["django.core.mail.backends.console.EmailBackend"] = "console"


def configured_provider() -> str:
    """Return the provider of new emails: a name in PROVIDERS or RELAYS, or the path in EMAIL_DELIVERY_BACKEND."""
    path = settings.EMAIL_DELIVERY_BACKEND
    return NAMES_BY_PATH.get(path, path) or settings.EMAIL_PROVIDER


def fallback_provider() -> str:
    """Return the provider that takes over while the configured one can't be used, or an empty string without one."""
    value = settings.EMAIL_FALLBACK_PROVIDER
    name = NAMES_BY_PATH.get(value, value)
    return "" if name == configured_provider() else name


def contacts_provider() -> str:
    """Return the provider name for contact changes, or an empty string if the provider has no contacts.

    The name, such as "resend_contacts", has a row in ProviderState of its own. So a key that may send but not change
    contacts pauses only contacts.
    """
    client = CONTACTS.get(configured_provider())
    return client.name if client else ""


def get_contacts(name: str) -> ContactsClient:
    """Return a new client for contacts. Raises ImproperlyConfigured with the setting that is missing.

    ``name`` may also be the name of the provider of emails. Attempts had it before contacts had names of their own.
    """
    return CONTACTS[email_provider_of(name)]()


def get_client(provider: str) -> ProviderClient:
    """Return a new client for the provider of emails or contacts. Raises ImproperlyConfigured like get_backend()."""
    is_for_contacts = email_provider_of(provider) != provider
    return get_contacts(provider) if is_for_contacts else get_backend(provider)


def key_lifetime_of(provider: str) -> timedelta | None:
    """Return how long the provider remembers an Idempotency-Key, or None if it has no keys.

    This needs no client, because the settings of a former provider may be missing.
    """
    clients: dict[str, type[ProviderClient]] = {**PROVIDERS, **{client.name: client for client in CONTACTS.values()}}
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
            "or EMAIL_DELIVERY_BACKEND to the dotted path of a Django email backend. "
            "EMAIL_FALLBACK_PROVIDER accepts both."
        )
    if provider == OUTBOX:
        raise ImproperlyConfigured("The email provider is the outbox, which can't deliver to itself.")
    return _backend_by_path(provider)


def _backend_by_path(path: str) -> DeliveryBackend:
    """Return the backend at this dotted path. A backend that isn't a DeliveryBackend is wrapped in a RelayBackend."""
    relay = RelayBackend(path)
    if not issubclass(relay.backend_class, DeliveryBackend):
        return relay
    backend = relay.backend_class()
    backend.name = path
    return backend
