"""The two periods that charts show: the last 24 hours, and the last 30 days of the project's time zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime

from operations.home.charts.drawing import Bucket
from operations.rollups.hours import HOUR, day_of, full_hour

HOURS, DAYS = 24, 30
HOURS_PER_TICK, DAYS_PER_TICK = 6, 7


Time = datetime | date


@dataclass(frozen=True, slots=True)
class Period:
    """Buckets, and the number of each by its hour or day, which the counts have in ``column``."""

    title: str
    column: str
    buckets: list[Bucket]
    places: dict[Time, int]

    @property
    def start(self) -> Time:
        return min(self.places)

    def spread(self, values: Iterable[tuple[Time, int]]) -> list[int]:
        """Return the sum of the values in each bucket."""
        sums = [0] * len(self.buckets)
        for time, value in values:
            if time in self.places:
                sums[self.places[time]] += value
        return sums


def last_hours(now: datetime) -> Period:
    hours = [full_hour(now) - number * HOUR for number in reversed(range(HOURS))]
    buckets = [
        Bucket(f"{date_format(hour, 'M j')}, {hour:%H:%M}", f"{hour:%H:%M}" if hour.hour % HOURS_PER_TICK == 0 else "")
        for hour in map(localtime, hours)
    ]
    return Period("Last 24 hours", "hour", buckets, {hour: place for place, hour in enumerate(hours)})


def last_days(now: datetime) -> Period:
    days = [day_of(now) - timedelta(days=number) for number in reversed(range(DAYS))]
    buckets = [
        Bucket(date_format(day, "M j"), date_format(day, "M j") if (DAYS - 1 - place) % DAYS_PER_TICK == 0 else "")
        for place, day in enumerate(days)
    ]
    return Period("Last 30 days", "day", buckets, {day: place for place, day in enumerate(days)})
