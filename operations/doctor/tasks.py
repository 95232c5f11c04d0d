"""The Celery task that examines the installation, and how a request asks for it without a wait."""

import logging
from datetime import timedelta
from threading import Thread

from celery import current_app, shared_task
from django.core.cache import cache

from operations.doctor import reports

logger = logging.getLogger(__name__)

EXAMINE = "operations.doctor.tasks.examine_installation"
REQUESTED_KEY = "doctor:requested"
MERGED_FOR = timedelta(seconds=10)  # repeated clicks ask once
EXPIRES_AFTER = timedelta(minutes=5)
# With retry=False, kombu would enter a reconnect loop of its own (2 to 70 s). With max_retries=0, it does not.
PUBLISH_ONCE = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}


@shared_task(ignore_result=True)
def examine_installation() -> None:
    """Check what needs nobody's input, and keep the findings for the admin. Beat publishes it every five minutes."""
    reports.make()


def request_examination() -> None:
    """Ask a worker for an examination. Returns immediately, because a broker that hangs would hold the request up."""
    if cache.add(REQUESTED_KEY, 1, MERGED_FOR.total_seconds()):
        Thread(target=publish, daemon=True).start()


def publish() -> None:
    try:
        current_app.send_task(
            EXAMINE,
            retry=True,
            retry_policy=PUBLISH_ONCE,
            expires=EXPIRES_AFTER.total_seconds(),
            ignore_result=True,
        )
    except Exception as error:  # whatever the broker's client raises: beat asks again within five minutes
        logger.warning("An examination of the installation could not be requested: %s", error)
