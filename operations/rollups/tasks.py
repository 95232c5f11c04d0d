"""The Celery task that keeps the counts."""

from celery import shared_task

from operations.rollups.emails import count_emails
from operations.rollups.money import count_money


@shared_task(ignore_result=True, name="operations.count_by_hour")
def count_by_hour() -> None:
    count_emails()
    count_money()
