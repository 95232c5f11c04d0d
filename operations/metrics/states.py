"""The state of providers, processes, Stripe's events, and the totals themselves."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from billing.models import StripeEvent
from common.db import database_now, index_walks
from emails.backends import configured_provider
from emails.delivery.provider_status import stand_in_for, state_of
from emails.models import ProviderState
from emails.monitoring import needed_providers
from operations.liveness import liveness
from operations.metrics.names import provider_label
from operations.models import Counted

PROVIDER_STATES = ("ok", "paused", "open", "misconfigured", "over_quota")
STRIPE_STATES = (StripeEvent.Status.RECEIVED, StripeEvent.Status.FAILED)
MAX_READ = 1_000


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def providers() -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "email_provider_state",
        "1 for the current state of a provider: ok, paused (it asked us to wait), open (only probes are sent), "
        "misconfigured (a person must act), or over_quota.",
        labels=["provider", "state"],
    )
    failures = GaugeMetricFamily(
        "email_provider_failures", "Failed calls to a provider since the last success.", labels=["provider"]
    )
    fallback = GaugeMetricFamily(
        "email_fallback_active", "Whether the fallback provider carries this provider's emails.", labels=["provider"]
    )
    now, stored = database_now(), ProviderState.objects.in_bulk()
    for name in sorted(needed_providers()):
        state, label = stored.get(name) or ProviderState(name=name), provider_label(name)
        current = state_of(state, now)
        for word in PROVIDER_STATES:
            states.add_metric([label, word], word == current)
        failures.add_metric([label], state.failures)
        if name == configured_provider():
            fallback.add_metric([label], bool(stand_in_for(state)))
    yield from (states, failures, fallback)


def processes() -> Iterator[Metric]:
    found = liveness()
    yield gauge("celery_workers", "Workers that reported within the last minute.", found.workers)
    yield gauge("celery_beats", "Beats that reported within the last minute.", found.beats)
    yield gauge(
        "celery_workers_stuck",
        "Whether no running worker has finished a task for five minutes, although beat publishes some.",
        found.are_workers_stuck,
    )
    yield gauge(
        "celery_beat_stuck", "Whether beat runs, but hasn't published a task for five minutes.", found.is_beat_stuck
    )


def stripe_events() -> Iterator[Metric]:
    now = database_now()
    with index_walks():
        rows = StripeEvent.objects.filter(due_at__isnull=False).order_by("due_at")
        waiting = [*rows.values_list("status", "due_at")[:MAX_READ]]
    numbers = Counter(status for status, _ in waiting)
    unprocessed = GaugeMetricFamily(
        "stripe_events_unprocessed",
        f"Stored events of Stripe that will be processed later: received, or failed in our own code; at most "
        f"{MAX_READ} are counted.",
        labels=["status"],
    )
    for status in STRIPE_STATES:
        unprocessed.add_metric([status], numbers[status])
    yield unprocessed
    late = (now - waiting[0][1]).total_seconds() if waiting and waiting[0][1] else 0.0
    yield gauge(
        "stripe_events_overdue_seconds", "How long the oldest stored event has been due. 0: none is.", max(0.0, late)
    )


def counting() -> Iterator[Metric]:
    now = database_now()
    ages = [(now - until).total_seconds() for until in Counted.objects.values_list("until", flat=True)]
    yield gauge(
        "metrics_totals_age_seconds",
        "How far the totals lag behind. Usually less than 150, because attempts count after two minutes.",
        max(ages, default=0.0),
    )
