"""The Celery tasks: thin, and repeatable at any time."""

from celery import shared_task

from accounts import retention


@shared_task(ignore_result=True)
def forget_old_history() -> None:
    retention.forget_old_history()
