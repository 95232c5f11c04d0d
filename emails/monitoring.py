"""The state of the outbox and its providers, for readiness checks and dashboards."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from common.db import database_now
from emails.backends import configured_provider, contacts_provider, email_provider_of
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Status

LATE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Report:
    """The state of email delivery."""

    outbox: dict[str, int | None]  # "due": number of due messages; "oldest_seconds": age of the oldest unsent one
    providers: dict[str, dict[str, str]]  # by name, as describe() returns them
    is_healthy: bool


def report() -> Report:
    """Return the current state. Reads the database."""
    now = database_now()
    waiting = OutboundEmail.objects.filter(status__in=[Status.QUEUED, Status.SENDING])
    oldest = waiting.aggregate(Min("created_at"))["created_at__min"]
    age = int((now - oldest).total_seconds()) if oldest else None
    # A provider that is no longer used must not make the service unhealthy.
    needed = needed_providers()
    states = ProviderState.objects.with_rows_for(configured_provider())
    providers = {state.name: describe(state, now) for state in states if state.name in needed}
    is_late = age is not None and age >= LATE_AFTER.total_seconds()
    # Contacts that wait, for example for a key, are no reason to take the service out of use.
    of_emails = [provider for name, provider in providers.items() if email_provider_of(name) == name]
    is_healthy = not is_late and all(provider["state"] == "ok" for provider in of_emails)
    due = OutboundEmail.objects.filter(due_at__lte=now).aggregate(n=Count("pk"))["n"]
    return Report({"due": due, "oldest_seconds": age}, providers, is_healthy)


def needed_providers() -> set[str]:
    """Return the configured providers, and those with an open attempt. A provider that is no longer used can't fail."""
    holding = DeliveryAttempt.objects.filter(due_at__isnull=False).values_list("provider", flat=True)
    # order_by() removes the model's ordering, which would become part of the DISTINCT.
    return {name for name in (configured_provider(), contacts_provider()) if name} | set(holding.distinct().order_by())


def describe(state: ProviderState, now: datetime) -> dict[str, str]:
    """Return the provider's ``state`` and the ``reason`` for it.

    The state is ok, paused (the provider asked us to wait), open (it keeps failing, and only probes are sent),
    misconfigured (a person must act), or over_quota (waiting a day or a larger plan helps).
    """
    if state.reason == ProviderState.PauseReason.CONFIGURATION:
        return {"state": "misconfigured", "reason": state.detail}
    if state.reason == ProviderState.PauseReason.QUOTA:
        return {"state": "over_quota", "reason": state.detail}
    if state.reason == ProviderState.PauseReason.BREAKER:
        return {"state": "open", "reason": state.detail}
    if state.is_paused(now):
        return {"state": "paused", "reason": state.detail}
    return {"state": "ok", "reason": ""}
