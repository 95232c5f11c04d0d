"""The two periods that charts show: the last 24 hours, and the last 30 days of the project's time zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime

from operations.home.charts.drawing import Bucket
from operations.rollups.hours import HOUR, full_hour

HOURS, DAYS = 24, 30
HOURS_PER_TICK, DAYS_PER_TICK = 6, 7


@dataclass(frozen=True, slots=True)
class Period:
    """Buckets with the hours that belong to each. ``places`` is the number of the bucket by hour."""

    title: str
    buckets: list[Bucket]
    places: dict[datetime, int]

    def spread(self, values: Iterable[tuple[datetime, int]]) -> list[int]:
        """Return the sum of the values in each bucket. Values outside the period are left out."""
        sums = [0] * len(self.buckets)
        for hour, value in values:
            place = self.places.get(hour)
            if place is not None:
                sums[place] += value
        return sums


def last_hours(now: datetime) -> Period:
    hours = [full_hour(now) - number * HOUR for number in reversed(range(HOURS))]
    buckets = [
        Bucket(f"{date_format(hour, 'M j')}, {hour:%H:%M}", f"{hour:%H:%M}" if hour.hour % HOURS_PER_TICK == 0 else "")
        for hour in map(localtime, hours)
    ]
    return Period("Last 24 hours", buckets, {hour: place for place, hour in enumerate(hours)})


def last_days(now: datetime) -> Period:
    today = localtime(now).date()
    days = [today - timedelta(days=number) for number in reversed(range(DAYS))]
    numbers = {day: place for place, day in enumerate(days)}
    buckets = [
        Bucket(date_format(day, "M j"), date_format(day, "M j") if (DAYS - 1 - place) % DAYS_PER_TICK == 0 else "")
        for place, day in enumerate(days)
    ]
    hours = [full_hour(now) - number * HOUR for number in range((DAYS + 1) * 24)]
    places = {hour: numbers[day] for hour in hours if (day := localtime(hour).date()) in numbers}
    return Period("Last 30 days", buckets, places)
