"""The Celery tasks. Each calls one function and may run at any time, and any number of times."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from emails import privacy, retention
from emails.delivery import drain, polling
from emails.tracking import linking
from emails.wakeup import wake_worker


@shared_task(ignore_result=True)
def deliver_due() -> None:
    """Deliver due emails. Published by every wake-up, and by beat every 15 seconds."""
    drain.deliver_due()
    # The last email to a person who deleted their account must not stay longer than necessary.
    privacy.erase_settled()


@shared_task(ignore_result=True)
def purge_old_mail() -> None:
    retention.purge()


@shared_task(ignore_result=True)
def look_up_silent_emails() -> None:
    """Link events to emails whose IDs were not known yet, then poll emails that still have no event."""
    # First, because a message whose event is linked need not be polled.
    linking.link_unlinked_events()
    polling.look_up_silent_emails()


@worker_ready.connect
def deliver_on_start(**_: Any) -> None:
    """Deliver right away what became due while no worker was running, instead of waiting for beat."""
    wake_worker()


@worker_shutting_down.connect
def stop_delivery(**_: Any) -> None:
    drain.stop()
