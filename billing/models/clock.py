"""Whether a date lies ahead. What has passed isn't promised to anybody."""

from datetime import datetime, timedelta

from django.utils import timezone


def is_ahead(moment: datetime | None) -> bool:
    return moment is not None and moment > timezone.now()


def has_passed(moment: datetime | None, delay: timedelta = timedelta()) -> bool:
    return moment is not None and moment + delay <= timezone.now()
