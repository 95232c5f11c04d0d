"""What the mail is doing, for readiness checks and dashboards."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from common.db import database_now
from emails.backends import configured_provider, contacts_provider
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Status

LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Report:
    outbox: dict[str, int | None]  # messages that are due, and how long the oldest unsent one waits, in seconds
    providers: dict[str, dict[str, str]]
    flows: bool  # whether mail goes out as it should


def report() -> Report:
    now = database_now()
    waiting = OutboundEmail.objects.filter(status__in=[Status.QUEUED, Status.SENDING])
    oldest = waiting.aggregate(Min("created_at"))["created_at__min"]
    age = int((now - oldest).total_seconds()) if oldest else None
    needed = needed_providers()
    states = ProviderState.objects.with_rows_for(*needed)
    providers = {state.name: describe(state, now) for state in states if state.name in needed}
    flows = (age is None or age < LATE.total_seconds()) and all(p["state"] == "ok" for p in providers.values())
    due = OutboundEmail.objects.filter(due_at__lte=now).aggregate(n=Count("pk"))["n"]
    return Report({"due": due, "oldest_seconds": age}, providers, flows)


def needed_providers() -> set[str]:
    """Those that are called today, and those at which the outcome of a call is open: not one that was left behind."""
    holding = DeliveryAttempt.objects.filter(due_at__isnull=False).values_list("provider", flat=True)
    return {name for name in (configured_provider(), contacts_provider()) if name} | set(holding.distinct().order_by())


def describe(state: ProviderState, now: datetime) -> dict[str, str]:
    """``state``: ok, paused (it asked us to wait), open (it fails: probes only), misconfigured (a person must act),
    over_quota (the next day or a larger plan helps)."""
    if state.reason == ProviderState.PauseReason.CONFIGURATION:
        return {"state": "misconfigured", "reason": state.detail}
    if state.reason == ProviderState.PauseReason.QUOTA:
        return {"state": "over_quota", "reason": state.detail}
    if state.reason == ProviderState.PauseReason.BREAKER:
        return {"state": "open", "reason": state.detail}
    if state.is_paused(now):
        return {"state": "paused", "reason": state.detail}
    return {"state": "ok", "reason": ""}
