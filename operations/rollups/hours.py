"""Which hours to count next, and the frame in which one is counted."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain

from django.db import transaction
from django.db.models.functions import Now

from common.db import database_now, insert_if_absent
from operations.models import CountedHour

HOUR = timedelta(hours=1)
DAYS = 31  # a little more than the charts show, because their days are those of the local time zone
NEWEST = 2  # hours that are still in motion, so each round counts them
REPEATED_AFTER = timedelta(minutes=30)
OVERLAP = timedelta(minutes=2)  # for transactions that began before the last round and ended after it
TIME_LIMIT = 20  # seconds that one round may take. The next one goes on with the rest.

Subject = CountedHour.Subject


def full_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def charted_hours(now: datetime) -> list[datetime]:
    """Return every hour that a chart may show, the newest first."""
    newest = full_hour(now)
    return [newest - number * HOUR for number in range(DAYS * 24)]


def oldest_charted(now: datetime) -> datetime:
    return full_hour(now) - (DAYS * 24 - 1) * HOUR


def count_round(
    subject: str, changed_since: Callable[[datetime], Iterable[datetime]], count: Callable[[datetime], None]
) -> int:
    """Count what is due, and return how many hours that were.

    ``changed_since`` returns times in hours that have changed since a time. ``count`` counts one hour.
    """
    now = database_now()
    ends_at = time.monotonic() + TIME_LIMIT
    done = 0
    for hour in due_hours(subject, changed_since, now):
        with counted(subject, hour):
            count(hour)
        done += 1
        if time.monotonic() > ends_at:
            break
    CountedHour.objects.filter(subject=subject, hour__lt=oldest_charted(now)).delete()
    return done


def due_hours(
    subject: str, changed_since: Callable[[datetime], Iterable[datetime]], now: datetime
) -> Iterator[datetime]:
    """Yield the hours to count, in the order of urgency, each of them once."""
    hours = charted_hours(now)
    counted_at = dict(CountedHour.objects.filter(subject=subject).values_list("hour", "counted_at"))
    last_round = max(counted_at.values(), default=None)
    # After a long break, everything is outdated anyway.
    is_recent = last_round is not None and last_round > now - REPEATED_AFTER
    changed = map(full_hour, changed_since(last_round - OVERLAP)) if last_round and is_recent else ()
    outdated = [hour for hour in hours if hour not in counted_at or counted_at[hour] <= now - REPEATED_AFTER]
    charted = {*hours}
    return (hour for hour in dict.fromkeys(chain(hours[:NEWEST], changed, outdated)) if hour in charted)


@contextmanager
def counted(subject: str, hour: datetime) -> Iterator[None]:
    """Open a transaction in which no other process counts this hour, and set when it was counted."""
    with transaction.atomic():
        insert_if_absent([CountedHour(subject=subject, hour=hour)])
        # Locks the row until the transaction ends.
        CountedHour.objects.filter(subject=subject, hour=hour).update(counted_at=Now())
        yield
