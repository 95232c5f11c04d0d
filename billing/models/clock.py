"""Whether a date lies ahead. What has passed isn't promised to anybody."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def is_ahead(moment: datetime | None) -> bool:
    return moment is not None and moment > timezone.now()


def has_passed(moment: datetime | None, delay: timedelta = timedelta()) -> bool:
    # Not moment + delay, because Stripe's dates can be the last ones that Python knows.
    return moment is not None and moment <= timezone.now() - delay


def later(moment: datetime, delay: timedelta) -> datetime:
    """Return the moment after the delay, or the last moment that Python knows."""
    return moment + delay if moment <= END_OF_TIME - delay else END_OF_TIME
