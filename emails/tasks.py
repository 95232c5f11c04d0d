"""The Celery tasks: thin, and repeatable at any time."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from emails import delivery, retention


@shared_task(ignore_result=True)
def deliver_due() -> None:
    """Rung after every commit that queued mail, and by beat every 15 seconds."""
    delivery.deliver_due()


@shared_task(ignore_result=True)
def purge_old_mail() -> None:
    retention.purge()


@worker_shutting_down.connect
def stop_delivery(**_: Any) -> None:
    delivery.stop()
