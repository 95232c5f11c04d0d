"""The Celery tasks: thin, and repeatable at any time."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from emails import delivery, retention
from emails.delivery import polling
from emails.tracking import recording
from emails.wakeup import nudge_worker


@shared_task(ignore_result=True)
def deliver_due() -> None:
    """Rung after every commit that queued mail, and by beat every 15 seconds."""
    delivery.deliver_due()


@shared_task(ignore_result=True)
def purge_old_mail() -> None:
    retention.purge()


@shared_task(ignore_result=True)
def look_up_silent_mail() -> None:
    recording.link_unlinked()
    polling.look_up_silent_mail()


@worker_ready.connect
def deliver_at_once(**_: Any) -> None:
    """What came due while no worker ran need not wait for the next sweep."""
    nudge_worker()


@worker_shutting_down.connect
def stop_delivery(**_: Any) -> None:
    delivery.stop()
