"""System checks for settings and templates that would keep email from being sent."""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.module_loading import import_string

from common.db import NOW
from emails import kinds, samples
from emails.backends import OUTBOX, PROVIDERS, RELAYS, configured_provider, get_backend
from emails.webhooks.views import RECEIVERS

TEST_BACKEND = "django.core.mail.backends.locmem.EmailBackend"  # Django's test runner replaces every backend with it

KEY_HINT = "Until this is fixed, emails stay queued."

Apps = Sequence[AppConfig] | None


@register("emails")
def check_provider(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    problem = problem_with_provider()
    if not problem:
        return []
    hint = (
        f"Set EMAIL_PROVIDER to one of {', '.join([*RELAYS, *PROVIDERS])}, "
        "or EMAIL_DELIVERY_BACKEND to the dotted path of a Django email backend."
    )
    return [Error(problem, hint=hint, id="emails.E001")]


def problem_with_provider() -> str:
    """Return what is wrong, or an empty string."""
    path = settings.EMAIL_DELIVERY_BACKEND
    if not path:
        known = settings.EMAIL_PROVIDER in {*RELAYS, *PROVIDERS}
        return "" if known else f"EMAIL_PROVIDER is {settings.EMAIL_PROVIDER!r}, which is not a known provider."
    if path == OUTBOX:
        return "EMAIL_DELIVERY_BACKEND is the outbox, which can't deliver to itself."
    try:
        import_string(path)
    except ImportError as error:
        return f"EMAIL_DELIVERY_BACKEND cannot be imported: {error}."
    return ""


@register("emails")
def check_key(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """A missing key is only a warning, because everything but sending works without one."""
    return [Warning(problem, hint=KEY_HINT, id="emails.W002") for problem in problem_with_key()]


@register("emails", deploy=True)
def check_key_for_deployment(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [Error(problem, hint=KEY_HINT, id="emails.E002") for problem in problem_with_key()]


def problem_with_key() -> Iterator[str]:
    if problem_with_provider():
        return
    # A backend raises ImproperlyConfigured if it lacks a setting, so this check needs to know none of them.
    try:
        get_backend(configured_provider())
    except ImproperlyConfigured as error:
        yield str(error)


@register("emails")
def check_placeholders(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Only warnings, because production settings refuse to start anyway."""
    return [
        Warning(
            f"{name} contains a placeholder from a guide, and not a value of your own.",
            hint="Set it to the real value, or remove it. Production doesn't start until then.",
            id="emails.W003",
        )
        for name in getattr(settings, "PLACEHOLDERS", ())
    ]


@register("emails")
def check_webhook_secrets(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{receiver.variable}: secret {number} can never match, because {problem}.",
            hint="Copy it again from the provider's webhook page.",
            id="emails.E006",
        )
        for receiver in RECEIVERS.values()
        for number, secret in enumerate(receiver.secrets, start=1)
        if (problem := receiver.problem_with(secret))
    ]


@register("emails", deploy=True)
def check_webhooks_are_set_up(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Only informational: webhooks are optional, and a correct deployment should show no warnings."""
    receiver = RECEIVERS.get(configured_provider())
    if receiver is None or receiver.secrets:
        return []
    return [
        Info(
            f"{receiver.variable} is not set, so bounces and complaints aren't recorded, "
            "and email keeps going to dead addresses.",
            hint=f"Have {receiver.provider} post its events to {settings.APP_URL}/emails/webhooks/{receiver.provider}/ "
            "and set the variable to the secret that it displays.",
            id="emails.I001",
        )
    ]


@register("emails")
def check_lease(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Return an error if a call can outlast its lease."""
    # A call may use at most half of the lease (settings/base.py), so only an edited setting can fail here.
    if settings.EMAIL_LEASE_SECONDS > settings.EMAIL_CALL_DEADLINE_SECONDS:
        return []
    return [
        Error(
            f"A lease lasts {settings.EMAIL_LEASE_SECONDS} s, a call up to {settings.EMAIL_CALL_DEADLINE_SECONDS} s. "
            "A second worker could claim a message that is still being sent.",
            hint="Set EMAIL_LEASE_SECONDS well above EMAIL_CALL_DEADLINE_SECONDS.",
            id="emails.E003",
        )
    ]


@register("emails", deploy=True)
def check_outbox_is_used(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    if settings.EMAIL_BACKEND in (OUTBOX, TEST_BACKEND):
        return []
    return [
        Warning(
            f"EMAIL_BACKEND is {settings.EMAIL_BACKEND}, so emails are sent during the request and lost if it fails.",
            hint=f"Set EMAIL_BACKEND to {OUTBOX} and choose the provider with EMAIL_PROVIDER.",
            id="emails.W001",
        )
    ]


@register(Tags.templates)
def check_templates(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            problem,
            hint=f"The folder of each kind of email must contain {', '.join([*samples.PARTS, samples.SAMPLE])}.",
            id="emails.E004",
        )
        for kind, folder in samples.folders().items()
        for problem in problem_with_kind(kind, folder)
    ]


def problem_with_kind(kind: str, folder: Path) -> Iterator[str]:
    for part in samples.PARTS:
        if not (folder / part).is_file():
            yield f"templates/emails/{kind}/{part} is missing."
    try:
        samples.sample_context(kind)
    except samples.SampleError as error:
        yield str(error)


@register(Tags.templates)
def check_samples(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    """Return an error for each kind that can't be rendered from its sample, in any of the languages.

    An email with the same fault would not be queued, and with it the change that causes the email would fail.
    """
    return [
        Error(
            f"The email {kind!r} can't be rendered from its {samples.SAMPLE}: {problem}",
            hint=f"Fix the template, or {samples.SAMPLE} if the function that sends this email passes the variable.",
            id="emails.E007",
        )
        for kind, folder in samples.folders().items()
        if not any(problem_with_kind(kind, folder)) and (problem := problem_with_sample(kind))
    ]


def problem_with_sample(kind: str) -> str:
    """Return the first problem and its languages, or an empty string."""
    problems: dict[str, list[str]] = {}
    scenarios = samples.scenarios(kind)
    for scenario, (language, _name) in product(scenarios, settings.LANGUAGES):
        try:
            samples.render_sample(kind, language, scenario)
        except Exception as error:  # templates, tags, and filters can raise anything
            place = f"{language}, {scenario!r}" if len(scenarios) > 1 else language
            problems.setdefault(f"{type(error).__name__}: {error}", []).append(place)
    return next((f"{problem} (in {', '.join(places)})" for problem, places in problems.items()), "")


@register(Tags.templates)
def check_kinds(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            problem,
            hint='Write, for example, {"requested": true, "priority": "waiting"}, or delete the file.',
            id="emails.E008",
        )
        for folder in samples.folders().values()
        for problem in kinds.problems_with(folder)
    ]


@register("emails")
def check_database(app_configs: Apps, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"The outbox doesn't support {vendor}.",
            hint="Set DATABASE_URL to PostgreSQL, or to SQLite for development.",
            id="emails.E005",
        )
        for vendor in {connection.vendor for connection in connections.all()}
        if vendor not in NOW
    ]
