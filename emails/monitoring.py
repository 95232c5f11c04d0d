"""The state of the outbox and its providers, for readiness checks and dashboards."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Min

from common.db import database_now
from emails.backends import configured_provider, contacts_provider, fallback_provider
from emails.delivery.provider_status import describe
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Status
from emails.models.work import HELD, WAITS

LATE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Report:
    """The state of email delivery."""

    outbox: dict[str, int | None]  # "due": number of due messages; "oldest_seconds": age of the oldest unsent one
    providers: dict[str, dict[str, str]]  # by name, as provider_status.describe() returns them
    is_healthy: bool


def report() -> Report:
    """Return the current state. Reads the database."""
    now = database_now()
    waiting = OutboundEmail.objects.filter(status__in=[Status.QUEUED, Status.SENDING])
    oldest = waiting.aggregate(Min("created_at"))["created_at__min"]
    age = int((now - oldest).total_seconds()) if oldest else None
    # A provider that is no longer used must not make the service unhealthy.
    needed = needed_providers()
    states = ProviderState.objects.with_rows_for(*needed)
    providers = {state.name: describe(state, now) for state in states if state.name in needed}
    is_late = age is not None and age >= LATE_AFTER.total_seconds()
    is_healthy = not is_late and all(provider["state"] == "ok" for provider in providers.values())
    due = OutboundEmail.objects.due(now).count()
    return Report({"due": due, "oldest_seconds": age}, providers, is_healthy)


def needed_providers() -> set[str]:
    """Return the configured providers, and those with an open attempt. A provider that is no longer used can't fail."""
    # order_by() removes the model's ordering, which would become part of the DISTINCT.
    providers = DeliveryAttempt.objects.order_by().values_list("provider", flat=True).distinct()
    configured = {name for name in (configured_provider(), fallback_provider(), contacts_provider()) if name}
    return configured.union(providers.filter(WAITS), providers.filter(HELD))
