"""The emails that wait in the outbox, by priority."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from common.db import database_now, index_walks
from emails.models import DeliveryAttempt, OutboundEmail, Priority
from emails.models.work import HELD, WAITS

MAX_COUNTED = 10_000  # of each priority; counting a million would take longer than a scrape may
MAX_READ = 1_000  # rows of one kind of delay


def waiting_emails() -> Iterator[Metric]:
    queued = GaugeMetricFamily(
        "emails_queued",
        f"Emails that wait to be sent, scheduled ones included. At most {MAX_COUNTED} are counted.",
        labels=["priority"],
    )
    oldest = GaugeMetricFamily(
        "emails_oldest_unsent_seconds",
        "How long ago the oldest unsent email should have been sent. 0: none is late.",
        labels=["priority"],
    )
    with index_walks():
        now = database_now()
        counts = {priority: count(priority) for priority in Priority}
        since = late_since(now, [priority for priority, number in counts.items() if number])
        for priority, number in counts.items():
            name = priority.name.lower()
            queued.add_metric([name], number)
            oldest.add_metric([name], max(0.0, (now - since.get(priority, now)).total_seconds()))
    yield queued
    yield oldest


def count(priority: Priority) -> int:
    rows = OutboundEmail.objects.filter(WAITS, isolated__in=[False, True], priority__in=[priority])
    return rows.order_by()[:MAX_COUNTED].count()


def late_since(now: datetime, waiting: Sequence[Priority]) -> dict[int, datetime]:
    """Return, for each priority, when its oldest unsent email was due. An email with a schedule isn't late before."""
    since: defaultdict[int, datetime] = defaultdict(lambda: now)
    for priority, time in (*due(now, waiting), *backing_off(), *stalled(now), *in_open_attempts()):
        since[priority] = min(since[priority], time)
    return since


def due(now: datetime, waiting: Sequence[Priority]) -> Iterator[tuple[int, datetime]]:
    for priority, isolated in product(waiting, [False, True]):
        # One range of the index, which begins with the oldest row.
        rows = OutboundEmail.objects.filter(WAITS, isolated__in=[isolated], priority__in=[priority], due_at__lte=now)
        if oldest := rows.order_by("due_at").values_list("due_at", flat=True).first():
            yield priority, oldest


def backing_off() -> Iterator[tuple[int, datetime]]:
    """Yield emails that the provider refused. They are due again only later, but they have waited since the refusal."""
    rows = OutboundEmail.objects.filter(due_at__isnull=False, first_failed_at__isnull=False).order_by("due_at")
    yield from rows.values_list("priority", "first_failed_at")[:MAX_READ]  # type: ignore[misc]  # it isn't null


def stalled(now: datetime) -> Iterator[tuple[int, datetime]]:
    """Yield emails whose worker died, and that no other worker has taken over."""
    rows = OutboundEmail.objects.stalled(now).order_by("due_at")
    yield from rows.values_list("priority", "due_at")[:MAX_READ]  # type: ignore[misc]  # it isn't null


def in_open_attempts() -> Iterator[tuple[int, datetime]]:
    """Yield the emails of calls whose outcome isn't known yet."""
    for condition in (WAITS, HELD):
        # Contact changes are left out here, because SQLite would look for all attempts without one by its index.
        rows = DeliveryAttempt.objects.filter(condition).order_by()
        columns = rows.values_list("priority", "created_at", "contact_change_id")[:MAX_READ]
        yield from ((priority, created_at) for priority, created_at, change in columns if change is None)
