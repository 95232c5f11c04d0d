"""Adds new rows to the totals. Each row counts once, whichever process counts it and whenever it stops.

Rows are found by a time that the database set when it wrote them. Such a row appears only when its transaction is
committed, so counting stays behind the oldest transaction that is still writing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Case, CharField, Count, DurationField, F, Model, Q, QuerySet, Sum, Value, When

from billing.models import StripeEvent
from common.db import database_now, no_table_scans
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Status
from emails.models.messages import HAS_BODY_OR_NO_KEY
from operations.metrics import names
from operations.metrics.names import Durations, kind_label, provider_label
from operations.models import Counted

WRITING_TAKES = timedelta(seconds=5)  # from reading the clock to writing a row with that time
LONGEST_WRITER = timedelta(minutes=1)  # a transaction that hangs must not stop the counting
LONGEST_CALL = timedelta(minutes=2)  # an attempt without an outcome by then counts as unknown
LONGEST_GAP = timedelta(days=2)  # if nothing was counted for longer, what came before is left out
STEP = timedelta(hours=1)  # per transaction

ADD = """
    INSERT INTO operations_total (metric, provider, detail, bucket, value) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (metric, provider, detail, bucket) DO UPDATE SET value = operations_total.value + excluded.value
"""


class Series(NamedTuple):
    metric: str
    provider: str = ""
    detail: str = ""
    bucket: str = ""


Increments = Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class Source:
    """A table whose rows are counted by time, ``delay`` after it."""

    name: str
    delay: timedelta
    count: Callable[[datetime, datetime], Increments]  # what to add for the rows after the first time, up to the second


def count_all() -> None:
    """Add all rows to the totals that were written since the last call."""
    for source in SOURCES:
        while count_step(source):
            pass


def count_step(source: Source) -> bool:
    """Count at most an hour's rows. Return whether more are left to count."""
    with no_table_scans():
        end = writers_begin() - source.delay
        counted = lock_counted(source, end)
        if counted is None or counted.until >= end:
            return False
        begin = max(counted.until, end - LONGEST_GAP)
        until = min(end, begin + STEP)
        add(source.count(begin, until))
        Counted.objects.filter(pk=source.name).update(until=until)
        return until < end


def lock_counted(source: Source, end: datetime) -> Counted | None:
    """Return how far the table has been counted, locked. None if it begins now, or another process is counting."""
    rows = Counted.objects.filter(pk=source.name)
    counted = rows.select_for_update(skip_locked=True).first()
    if counted is None and not rows.exists():
        Counted.objects.bulk_create([Counted(source=source.name, until=end)], ignore_conflicts=True)
    return counted


def writers_begin() -> datetime:
    """Return a time before which every transaction that wrote a row has ended."""
    now = database_now()
    if connection.vendor != "postgresql":  # SQLite has one writer at a time, and that is this process now
        return now - WRITING_TAKES
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(xact_start) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
        )
        (oldest,) = cursor.fetchone()
    return max(min(oldest or now, now) - WRITING_TAKES, now - LONGEST_WRITER)


def add(increments: Increments) -> None:
    """Add to the totals. In one order, so that two processes can't wait for each other."""
    with connection.cursor() as cursor:
        cursor.executemany(ADD, [(*series, amount) for series, amount in sorted(increments.items())])


# What to count


def settled_emails(begin: datetime, until: datetime) -> Increments:
    """Count emails by how delivery ended. What is reported later is counted by events."""
    increments: Counter[Series] = Counter()
    # Each settled row is in one of two partial indexes, and has to be looked up in both.
    for condition in (HAS_BODY_OR_NO_KEY, Q(content__isnull=True, idempotency_key__isnull=False)):
        rows = OutboundEmail.objects.filter(condition, settled_at__gt=begin, settled_at__lte=until).order_by()
        was_sent = When(sent_at__isnull=False, then=Value(str(Status.SENT)))
        ended = rows.annotate(ending=Case(was_sent, default=F("status"), output_field=CharField()))
        for provider, kind, ending, number in ended.values_list("provider", "kind", "ending").annotate(Count("pk")):
            if metric := ENDINGS.get(ending):
                increments[Series(metric, provider_label(provider), kind_label(kind))] += number
    return increments


def events(begin: datetime, until: datetime) -> Increments:
    increments: Counter[Series] = Counter()
    rows = DeliveryEvent.objects.filter(received_at__gt=begin, received_at__lte=until).order_by()
    of_emails = rows.filter(type__in=REPORTS).values_list("provider", "type", "email__kind").annotate(Count("pk"))
    for provider, type_, kind, number in of_emails:
        increments[Series(REPORTS[type_], provider_label(provider), kind_label(kind))] += number
    return increments + Counter(durations(names.EVENT_LAG, rows, "occurred_at", "received_at", "provider"))


def attempts(begin: datetime, until: datetime) -> Increments:
    """Count attempts by the time of their call, because attempts have no index on the time of their outcome."""
    rows = DeliveryAttempt.objects.filter(created_at__gt=begin, created_at__lte=until)
    settled = rows.filter(settled_at__isnull=False)
    found = Counter(durations(names.ATTEMPTS, settled, "created_at", "settled_at", "provider", "outcome"))
    open_ones = rows.filter(settled_at__isnull=True).order_by().values_list("provider").annotate(Count("pk"))
    for provider, number in open_ones:
        outcome = str(DeliveryAttempt.Outcome.UNKNOWN)
        found[Series(names.ATTEMPTS.name, provider_label(provider), outcome, "+Inf")] += number
    return found


def stripe_events(begin: datetime, until: datetime) -> Increments:
    rows = StripeEvent.objects.filter(received_at__gt=begin, received_at__lte=until)
    return durations(names.STRIPE_LAG, rows, "created_at", "received_at")


def durations(histogram: Durations, rows: QuerySet[Model], start: str, end: str, *labels: str) -> Increments:
    """Count the rows by bucket and labels, the first of which is the provider."""
    increments: Counter[Series] = Counter()
    for *values, bucket, number, total in grouped_by_duration(histogram, rows, start, end, labels):
        provider, detail = (*map(str, values), "", "")[:2]
        series = Series(histogram.name, provider_label(provider) if labels else "", detail, bucket)
        increments[series] += number
        increments[series._replace(bucket="sum")] += total.total_seconds()
    return increments


def grouped_by_duration(
    histogram: Durations, rows: QuerySet[Model], start: str, end: str, labels: tuple[str, ...]
) -> Iterable[tuple[Any, ...]]:
    """Return the labels, the bucket, the number of rows, and the sum of the durations for each group of rows."""
    # Another computer's clock can be ahead of ours.
    is_negative = When(**{f"{start}__gt": F(end)}, then=Value(timedelta(), output_field=DurationField()))
    duration = Case(is_negative, default=F(end) - F(start), output_field=DurationField())
    buckets = [
        When(duration__lte=timedelta(seconds=bound), then=Value(histogram.bucket_of(bound)))
        for bound in histogram.bounds
    ]
    bucket = Case(*buckets, default=Value("+Inf"), output_field=CharField())
    grouped: QuerySet[Any, tuple[Any, ...]] = rows.order_by().annotate(duration=duration).annotate(bucket=bucket)
    found: Iterable[tuple[Any, ...]] = grouped.values_list(*labels, "bucket").annotate(Count("pk"), Sum("duration"))
    return found


ENDINGS = {
    Status.SENT: names.SENT,
    Status.FAILED: names.FAILED,
    Status.SUPPRESSED: names.SUPPRESSED,
    Status.EXPIRED: names.EXPIRED,
    Status.CANCELLED: names.CANCELLED,
}
REPORTS = {
    DeliveryEvent.Type.DELIVERED: names.DELIVERED,
    DeliveryEvent.Type.BOUNCED: names.BOUNCED,
    DeliveryEvent.Type.COMPLAINED: names.COMPLAINED,
    DeliveryEvent.Type.REJECTED: names.FAILED,
    DeliveryEvent.Type.SUPPRESSED: names.SUPPRESSED,
}
SOURCES = (
    Source("emails", timedelta(), settled_emails),
    Source("events", timedelta(), events),
    Source("attempts", LONGEST_CALL, attempts),
    Source("stripe", timedelta(), stripe_events),
)
