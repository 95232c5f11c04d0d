"""Which hours to count next, and the frame in which they are counted."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import chain

from django.db import transaction
from django.db.models.functions import Now
from django.utils.timezone import get_default_timezone, localtime

from common.db import database_now, insert_if_absent
from operations.models import CountedHour, EmailCount, MoneyCount

HOUR = timedelta(hours=1)
DAYS = 31  # a little more than the charts show, because their days are those of the local time zone
NEWEST = 2  # hours that are still in motion, so each round counts them
REPEATED_AFTER = timedelta(minutes=30)
OVERLAP = timedelta(minutes=2)  # for transactions that began before the last round and ended after it
LONGEST_RUN = 24  # hours that are counted in one transaction
TIME_LIMIT = 20  # seconds that one round may take. The next one goes on with the rest.

Subject = CountedHour.Subject
Hours = list[datetime]


def full_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def day_of(hour: datetime) -> date:
    """Return the day in the project's time zone, because charts show its days."""
    return localtime(hour, get_default_timezone()).date()


def charted_hours(now: datetime) -> Hours:
    """Return every hour that a chart may show, the newest first."""
    newest = full_hour(now)
    return [newest - number * HOUR for number in range(DAYS * 24)]


def oldest_charted(now: datetime) -> datetime:
    return full_hour(now) - (DAYS * 24 - 1) * HOUR


def count_round(
    subject: str, changed_since: Callable[[datetime], Iterable[datetime]], count: Callable[[Hours], None]
) -> int:
    """Count what is due, and return how many hours that were.

    ``changed_since`` returns times in hours that have changed since a time. ``count`` gets consecutive hours.
    """
    now = database_now()
    ends_at = time.monotonic() + TIME_LIMIT
    done = 0
    for hours in runs(due_hours(subject, changed_since, now)):
        with counted(subject, hours):
            count(hours)
        done += len(hours)
        if time.monotonic() > ends_at:
            break
    CountedHour.objects.filter(subject=subject, hour__lt=oldest_charted(now)).delete()
    return done


def due_hours(subject: str, changed_since: Callable[[datetime], Iterable[datetime]], now: datetime) -> set[datetime]:
    """Return the hours to count: the newest ones, those that have changed, and those that weren't counted lately."""
    hours = charted_hours(now)
    counted_at = dict(CountedHour.objects.filter(subject=subject).values_list("hour", "counted_at"))
    last_round = max(counted_at.values(), default=None)
    # After a long break, everything is outdated anyway.
    is_recent = last_round is not None and last_round > now - REPEATED_AFTER
    changed = map(full_hour, changed_since(last_round - OVERLAP)) if last_round and is_recent else ()
    outdated = (hour for hour in hours if hour not in counted_at or counted_at[hour] <= now - REPEATED_AFTER)
    return {*chain(hours[:NEWEST], changed, outdated)} & {*hours}


def runs(hours: Iterable[datetime]) -> Iterator[Hours]:
    """Yield consecutive hours together, the newest first."""
    run: Hours = []
    for hour in sorted(hours, reverse=True):
        if run and (run[-1] - hour != HOUR or len(run) == LONGEST_RUN):
            yield run
            run = []
        run.append(hour)
    if run:
        yield run


@contextmanager
def counted(subject: str, hours: Hours) -> Iterator[None]:
    """Open a transaction in which no other process counts these hours, and set when they were counted."""
    with transaction.atomic():
        insert_if_absent([CountedHour(subject=subject, hour=hour) for hour in hours])
        rows = CountedHour.objects.filter(subject=subject, hour__in=hours)
        locked = rows.order_by("hour").select_for_update().values_list("pk", flat=True)
        CountedHour.objects.filter(pk__in=[*locked]).update(counted_at=Now())
        yield


@transaction.atomic
def forget_counts() -> None:
    """Have everything counted again, for rows that were written or deleted in bulk. What was deleted stays counted."""
    CountedHour.objects.all().delete()
    MoneyCount.objects.all().delete()
    EmailCount.objects.filter(deleted=0).delete()
    EmailCount.objects.update(count=0)
