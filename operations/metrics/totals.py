"""The totals as counters and histograms.

Every series that is likely to come is there from the beginning, with 0. Prometheus can't see an increase from nothing
to 1, so an alert would miss the first bounce.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

from operations.metrics import names
from operations.metrics.names import EMAIL_COUNTERS, HISTOGRAMS, Durations, current_providers, kinds, provider_label
from operations.models import Total

Labels = tuple[str, str]  # the provider, and the kind or outcome
Values = Mapping[str, Mapping[Labels, dict[str, float]]]  # by metric, labels, and bucket


def totals() -> Iterator[Metric]:
    stored: defaultdict[str, dict[Labels, dict[str, float]]] = defaultdict(dict)
    for metric, provider, detail, bucket, value in Total.objects.values_list(
        "metric", "provider", "detail", "bucket", "value"
    ):
        stored[metric].setdefault((provider, detail), {})[bucket] = value
    yield from email_counters(stored)
    for histogram in HISTOGRAMS:
        yield family_of(histogram, stored[histogram.name])


def email_counters(stored: Values) -> Iterator[Metric]:
    providers = [provider_label(name) for name in current_providers()]
    expected = set(product(providers, [*kinds(), names.NONE]))
    expected.update(*(stored.get(name, {}) for name in EMAIL_COUNTERS))
    for name, text in EMAIL_COUNTERS.items():
        family = CounterMetricFamily(name, text, labels=["provider", "kind"])
        for labels in sorted(expected):
            family.add_metric(labels, stored.get(name, {}).get(labels, {}).get("", 0.0))
        yield family


def family_of(histogram: Durations, stored: Mapping[Labels, Mapping[str, float]]) -> Metric:
    family = HistogramMetricFamily(histogram.name, histogram.help, labels=histogram.labels)
    providers = [provider_label(name) for name in current_providers()] if histogram.labels else [""]
    outcomes = ["accepted", "refused"] if "outcome" in histogram.labels else [""]
    for labels in sorted({*product(providers, outcomes), *stored}):
        values, count, buckets = stored.get(labels, {}), 0.0, []
        for bucket in histogram.buckets:
            count += values.get(bucket, 0.0)
            buckets.append((bucket, count))
        family.add_metric(labels[: len(histogram.labels)], buckets, values.get("sum", 0.0))
    return family
