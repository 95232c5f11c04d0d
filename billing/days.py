"""Dates as emails show them."""

from datetime import date, datetime

from django.utils import timezone


def optional_day(moment: datetime | None) -> date | str:
    return day(moment) if moment else ""


def day(moment: datetime) -> date:
    """Return the date in the project's time zone. Templates format it for the email's language."""
    return timezone.localtime(moment).date()
