"""The Celery tasks: thin, and repeatable at any time."""

from celery import shared_task

from billing import events, monitoring


@shared_task(ignore_result=True)
def handle_due_events() -> None:
    """By beat, every 15 seconds."""
    events.sweep()


@shared_task(ignore_result=True)
def look_after_events() -> None:
    events.purge()
    monitoring.log_missing_invoices()
