"""The ways out of the house. Each provider is a plain Django email backend; the worker uses the same classes.

The outbox itself is `emails.backends.outbox.OutboxBackend`: it needs models, so it is not imported here.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from emails.backends.api import ApiBackend
from emails.backends.base import Caller, DeliveryBackend
from emails.backends.contacts import SequenzyContacts
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
    "get_caller",
    "get_contacts",
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

_backends: dict[str, DeliveryBackend] = {}
_contacts: dict[str, SequenzyContacts] = {}


def configured_provider() -> str:
    """What new mail is delivered by: a name in PROVIDERS or RELAYS, or the dotted path in EMAIL_DELIVERY_BACKEND."""
    path = settings.EMAIL_DELIVERY_BACKEND
    return NAMES_BY_PATH.get(path, path) or settings.EMAIL_PROVIDER


def contacts_provider() -> str:
    """To which row of ProviderState the calls about contacts belong: with a key of their own they have a rate of their
    own. Empty where the mail provider keeps no contacts here."""
    if configured_provider() != SequenzyBackend.name:
        return ""
    return SequenzyContacts.name if settings.SEQUENZY_CONTACTS_API_KEY else SequenzyBackend.name


def get_contacts() -> SequenzyContacts:
    """This process's client for contacts. Raises ImproperlyConfigured with what to set."""
    if _contacts.get(SequenzyContacts.name) is None:
        _contacts[SequenzyContacts.name] = SequenzyContacts()
    return _contacts[SequenzyContacts.name]


def get_caller(provider: str) -> Caller:
    """What calls this provider, for mail or for contacts. Raises ImproperlyConfigured with what to set."""
    return get_contacts() if provider == SequenzyContacts.name else get_backend(provider)


def get_backend(provider: str) -> DeliveryBackend:
    """This process's backend for the provider. Raises ImproperlyConfigured with what to set."""
    if provider not in _backends:
        _backends[provider] = _make(provider)
    return _backends[provider]


def _make(provider: str) -> DeliveryBackend:
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
    return _make_by_path(provider)


def _make_by_path(path: str) -> DeliveryBackend:
    relay = RelayBackend(path)
    if not issubclass(relay.backend_class, DeliveryBackend):
        return relay
    backend = relay.backend_class()
    backend.name = path
    return backend


def _forget(*, setting: str, **_: Any) -> None:
    """Tests change settings; a running process does not."""
    if setting.startswith(("EMAIL_", "SEQUENZY_", "RESEND_", "SENDGRID_")):
        _backends.clear()
        _contacts.clear()


setting_changed.connect(_forget)
