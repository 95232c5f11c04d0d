"""A fingerprint of a provider's settings, which shows a process that they have changed since a pause began."""

from functools import cache

from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "emails.provider-settings"
COMMON = ("DEFAULT_FROM_EMAIL",)
# A backend that is not an API client reads Django's settings for SMTP, or Anymail's, or settings of its own.
RELAY_PREFIXES = ("EMAIL_", "ANYMAIL", "MAILERS", "AWS_")
APIS = ("sequenzy", "resend", "sendgrid")


def provider_settings(provider: str) -> tuple[str, ...]:
    """Return the settings that decide how the provider is called, as text. They contain its key."""
    service = provider.partition("_")[0]  # contacts have names such as "sequenzy_contacts"
    prefixes = f"{service.upper()}_" if service in APIS else RELAY_PREFIXES
    return tuple(f"{name}={getattr(settings, name)!r}" for name in (*COMMON, *names_with(prefixes)))


@cache
def names_with(prefixes: str | tuple[str, ...]) -> tuple[str, ...]:
    # Cached, because every claim needs them, and listing all settings takes longer than reading these.
    return tuple(sorted(name for name in dir(settings) if name.startswith(prefixes)))


def settings_fingerprint(provider: str) -> str:
    """Return a keyed hash of the provider's settings, from which the key can't be computed."""
    return salted_hmac(SALT, "\n".join(provider_settings(provider)), algorithm="sha256").hexdigest()[:32]
