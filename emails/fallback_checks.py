"""System checks for EMAIL_FALLBACK_PROVIDER. A fallback that can't send would be found out only in an outage."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from emails.backends import NAMES_BY_PATH, OUTBOX, PROVIDERS, RELAYS, configured_provider, get_backend
from emails.webhooks.views import RECEIVERS

Apps = Sequence[AppConfig] | None


@register("emails")
def check_fallback(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    problem = problem_with_fallback()
    if not problem:
        return []
    hint = (
        f"Set EMAIL_FALLBACK_PROVIDER to one of {', '.join([*RELAYS, *PROVIDERS])} other than the first provider, "
        "to the dotted path of a Django email backend, or to nothing."
    )
    return [Error(problem, hint=hint, id="emails.E009")]


def problem_with_fallback() -> str:
    """Return what is wrong, or an empty string."""
    value, name = settings.EMAIL_FALLBACK_PROVIDER, fallback_name()
    if value and name == configured_provider():
        return f"EMAIL_FALLBACK_PROVIDER is {value}, which is also the first provider."
    if not value or name in {*RELAYS, *PROVIDERS}:
        return ""
    if "." not in value:
        return f"EMAIL_FALLBACK_PROVIDER is {value!r}, which is not a known provider."
    if value == OUTBOX:
        return "EMAIL_FALLBACK_PROVIDER is the outbox, which can't deliver to itself."
    try:
        import_string(value)
    except ImportError as error:
        return f"EMAIL_FALLBACK_PROVIDER cannot be imported: {error}."
    return ""


@register("emails")
def check_fallback_key(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    if not settings.EMAIL_FALLBACK_PROVIDER or problem_with_fallback():
        return []
    # A backend raises ImproperlyConfigured if it lacks a setting, so this check needs to know none of them.
    try:
        get_backend(fallback_name())
    except ImproperlyConfigured as error:
        hint = "Set it, or unset EMAIL_FALLBACK_PROVIDER."
        return [Error(f"EMAIL_FALLBACK_PROVIDER is {fallback_name()}. {error}", hint=hint, id="emails.E010")]
    return []


@register("emails", deploy=True)
def check_fallback_webhook(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    receiver = RECEIVERS.get(fallback_name())
    if receiver is None or receiver.secrets:
        return []
    return [
        Info(
            f"{receiver.variable} is not set, so bounces and complaints about emails that the fallback provider sends "
            "aren't recorded.",
            hint=f"Have {receiver.provider} post its events to {settings.APP_URL}/emails/webhooks/{receiver.provider}/ "
            "and set the variable to the secret that it displays.",
            id="emails.I002",
        )
    ]


def fallback_name() -> str:
    """Return the fallback provider's name, even if it is the first provider as well."""
    value = settings.EMAIL_FALLBACK_PROVIDER
    return NAMES_BY_PATH.get(value, value)
