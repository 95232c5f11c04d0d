"""The state of the outbox and its providers, for readiness checks and dashboards."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.db import database_now, index_walks
from emails.backends import configured_provider, contacts_provider, email_provider_of, fallback_provider
from emails.delivery.provider_status import describe
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Status
from emails.models.list_indexes import newest_with
from emails.models.work import HELD, WAITS

LATE_AFTER = timedelta(minutes=5)
MAX_COUNTED = 100_000  # due emails; anybody can call /readyz, and counting a million takes a second


@dataclass(frozen=True, slots=True)
class Report:
    """The state of email delivery."""

    # "due": number of due messages, at most 100,000; "oldest_seconds": age of the oldest unsent one
    outbox: dict[str, int | None]
    providers: dict[str, dict[str, str]]  # by name, as provider_status.describe() returns them
    is_healthy: bool


def report() -> Report:
    """Return the current state. Reads the database."""
    now = database_now()
    oldest = min(filter(None, map(oldest_with, [Status.QUEUED, Status.SENDING])), default=None)
    age = int((now - oldest).total_seconds()) if oldest else None
    # A provider that is no longer used must not make the service unhealthy.
    needed = needed_providers()
    states = ProviderState.objects.with_rows_for(*filter(None, [configured_provider(), fallback_provider()]))
    providers = {state.name: describe(state, now) for state in states if state.name in needed}
    is_late = age is not None and age >= LATE_AFTER.total_seconds()
    # Contacts that wait, for example for a key, are no reason to take the service out of use.
    of_emails = [provider for name, provider in providers.items() if email_provider_of(name) == name]
    is_healthy = not is_late and all(provider["state"] == "ok" for provider in of_emails)
    return Report({"due": count_due(now), "oldest_seconds": age}, providers, is_healthy)


def oldest_with(status: Status) -> datetime | None:
    """Return when the oldest email with this status was queued."""
    rows = newest_with(OutboundEmail.objects.all(), "status", status)
    return rows.order_by("listed", "created_at").values_list("created_at", flat=True).first()


def count_due(now: datetime) -> int:
    """Return the number of due emails, at most 100,000. Those that a dead worker holds aren't among them."""
    with index_walks():
        return OutboundEmail.objects.due(now).order_by()[:MAX_COUNTED].count()


def needed_providers() -> set[str]:
    """Return the configured providers, and those with an open attempt. A provider that is no longer used can't fail."""
    # order_by() removes the model's ordering, which would become part of the DISTINCT.
    providers = DeliveryAttempt.objects.order_by().values_list("provider", flat=True).distinct()
    configured = {name for name in (configured_provider(), fallback_provider(), contacts_provider()) if name}
    return configured.union(providers.filter(WAITS), providers.filter(HELD))
