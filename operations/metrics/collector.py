"""Collects everything that /metrics reads from the database. A source that fails leaves the others intact."""

import logging
from collections.abc import Callable, Iterable, Iterator

from django.db import InterfaceError, OperationalError
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from operations.metrics import outbox, states, totals

logger = logging.getLogger(__name__)

SOURCES: dict[str, Callable[[], Iterable[Metric]]] = {
    "outbox": outbox.waiting_emails,
    "providers": states.providers,
    "processes": states.processes,
    "stripe": states.stripe_events,
    "totals": totals.totals,
    "counting": states.counting,
}


class DatabaseCollector(Collector):
    """Reads the database each time that it is asked."""

    def collect(self) -> Iterator[Metric]:
        failed = GaugeMetricFamily(
            "metrics_source_failed", "Whether a part of this page couldn't be read.", labels=["source"]
        )
        is_down = False
        for name, source in SOURCES.items():
            try:
                found = [] if is_down else [*source()]
            except Exception as error:  # whatever it is, the other sources may still work
                logger.exception("The metrics of %s can't be read.", name)
                # The next sources would wait for the same database.
                is_down = is_down or isinstance(error, OperationalError | InterfaceError)
                found = []
                failed.add_metric([name], 1)
            else:
                failed.add_metric([name], is_down)
            yield from found
        yield failed


def registry() -> CollectorRegistry:
    """Return a registry of its own, because Prometheus's multiprocess mode reads only files."""
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    return registry
