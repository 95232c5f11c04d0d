"""The email provider and its settings."""

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from emails.backends import PROVIDERS, RELAYS, configured_provider, fallback_provider, get_backend
from emails.webhooks.views import RECEIVERS
from operations.doctor.checks import Check, Trouble, error, serious, warning
from operations.doctor.hosts import is_local, is_public
from operations.doctor.site import host_of

NOT_DELIVERING = {
    "console": "only prints emails",
    "django.core.mail.backends.locmem.EmailBackend": "only keeps emails in memory",
    "django.core.mail.backends.dummy.EmailBackend": "drops emails",
    "django.core.mail.backends.filebased.EmailBackend": "only writes emails to files",
}
CHOICES = "one of " + ", ".join(name for name in [*PROVIDERS, *RELAYS] if name not in NOT_DELIVERING)
WEBHOOKS = "Have {provider} post its events to {url}, and set {variable} to the secret that it displays."


def api_urls() -> Iterator[tuple[str, str]]:
    for variable in ("SEQUENZY_API_URL", "RESEND_API_URL", "SENDGRID_API_URL", "STRIPE_API_URL"):
        yield variable, getattr(settings, variable)


def provider() -> Iterator[Trouble]:
    """Check that the provider delivers, and has the settings that it needs."""
    name = configured_provider()
    if name in NOT_DELIVERING:
        if settings.IS_PRODUCTION:
            variable = "EMAIL_DELIVERY_BACKEND" if settings.EMAIL_DELIVERY_BACKEND else "EMAIL_PROVIDER"
            yield error(
                f"{name} {NOT_DELIVERING[name]}, so nobody receives any.",
                f"Set EMAIL_PROVIDER to {CHOICES}, and set its API key.",
                variable,
            )
        return
    try:
        get_backend(name)
    except (ImproperlyConfigured, ImportError) as problem:
        yield error(f"{name} can't be used. {problem}", f"Correct it, or set EMAIL_PROVIDER to {CHOICES}.")


def fallback() -> Iterator[Trouble]:
    name = settings.EMAIL_FALLBACK_PROVIDER
    if not name:
        return
    if name in NOT_DELIVERING and settings.IS_PRODUCTION:
        yield error(f"{name} {NOT_DELIVERING[name]}.", "Choose another provider, or unset EMAIL_FALLBACK_PROVIDER.")
    elif not fallback_provider():
        yield error(f"{name} is also the first provider.", "Choose another one, or unset EMAIL_FALLBACK_PROVIDER.")
    else:
        try:
            get_backend(fallback_provider())
        except (ImproperlyConfigured, ImportError) as problem:
            yield error(f"{name} can't be used. {problem}", "Correct it, or unset EMAIL_FALLBACK_PROVIDER.")


def webhook_secrets() -> Iterator[Trouble]:
    """Check that bounces and complaints can be received. Until emails go out, that is only a warning."""
    for name in filter(None, [configured_provider(), fallback_provider()]):
        receiver = RECEIVERS.get(name)
        if receiver and not receiver.secrets and settings.IS_PRODUCTION:
            yield warning(
                "It is not set, so bounces and complaints are refused, and email keeps going to dead addresses.",
                WEBHOOKS.format(provider=name, url=webhook_url(name), variable=receiver.variable),
                receiver.variable,
            )
        for number, secret in enumerate(receiver.secrets if receiver else [], start=1):
            if receiver and (problem := receiver.problem_with(secret)):
                fix = "Copy it again from the provider's webhook page."
                yield error(f"Secret {number} can never match, because {problem}.", fix, receiver.variable)


def webhook_url(provider: str) -> str:
    return f"{settings.APP_URL}/emails/webhooks/{provider}/"


def unencrypted_apis() -> Iterator[Trouble]:
    """Find APIs that would get our key unencrypted."""
    for variable, url in api_urls():
        if url.startswith("http://") and not is_local(host_of(url)):
            yield serious(
                f"{url} is unencrypted, so everyone on the way can read the API key.",
                f"Set {variable} to an https:// URL, or unset it.",
                variable,
            )


def smtp() -> Iterator[Trouble]:
    """Check the encryption of SMTP."""
    is_used = "smtp" in (configured_provider(), fallback_provider())
    if not is_used or settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL or is_local(settings.EMAIL_HOST):
        return
    problem = f"The connection to {settings.EMAIL_HOST} is unencrypted"
    fix = "Set EMAIL_URL to smtp+tls://… (port 587) or smtp+ssl://… (port 465)."
    if settings.EMAIL_HOST_PASSWORD:
        yield serious(f"{problem}, and so is the password.", fix)
    elif is_public(settings.EMAIL_HOST):
        yield serious(f"{problem}, so everyone on the way can read the emails.", fix)


CHECKS = (
    Check("email.provider", "EMAIL_PROVIDER", provider),
    Check("email.fallback", "EMAIL_FALLBACK_PROVIDER", fallback),
    Check("email.webhook_secrets", "webhook secrets", webhook_secrets),
    Check("email.api_urls", "API URLs", unencrypted_apis),
    Check("email.smtp", "EMAIL_URL", smtp),
)
