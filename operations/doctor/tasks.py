"""The Celery tasks. Each calls one function and may run at any time, and any number of times."""

from celery import shared_task

from operations.doctor import reports


@shared_task(ignore_result=True)
def examine_installation() -> None:
    """Check what needs nobody's input, and keep the findings for the admin."""
    reports.make()
