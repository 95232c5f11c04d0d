"""Reads /metrics as Prometheus does, and lets time pass between two scrapes."""

from datetime import timedelta

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from emails.tests.support.clock import travel
from operations.metrics import counting

TOKEN = "0123456789abcdef" * 2
MOVED = ("emails", "billing", "operations")

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]


def scrape() -> Samples:
    """Return the value of each series. METRICS_TOKEN must be ``TOKEN``."""
    response = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200, response.content
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(name: str, **labels: str) -> float:
    """Return the sum of the series with this name and these labels."""
    found = [
        number for (metric, has), number in scrape().items() if metric == name and frozenset(labels.items()) <= has
    ]
    assert found, f"/metrics has no {name} with {labels}"
    return sum(found)


def pass_time(distance: timedelta) -> None:
    travel(distance, *MOVED)


def count_later() -> None:
    """Count what happened until now, after the time that counting waits for."""
    pass_time(timedelta(minutes=3))
    counting.count_all()
