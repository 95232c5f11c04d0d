"""The wake-up: a Celery message, published after a commit, that makes a worker look for due emails.

A request only sets a flag. One daemon thread per process publishes, because publishing takes half a second with a
frozen Redis and five seconds with a slow name server. Losing a wake-up does no harm: a beat task looks for due rows
every 15 seconds anyway.
"""

import atexit
import logging
import os
import threading
import time
from collections import deque
from datetime import timedelta

from celery import current_app

from common.failpoints import failpoint
from common.log_context import current_ids
from common.task_logs import MAX_REQUEST_IDS, REQUEST_IDS

logger = logging.getLogger(__name__)

DELIVER_DUE = "emails.tasks.deliver_due"
MIN_INTERVAL = timedelta(milliseconds=200)  # because publishing costs more CPU than queueing an email
PAUSE_AFTER_FAILURE = timedelta(seconds=5)
EXIT_FLUSH_TIMEOUT = timedelta(seconds=1)  # how long a short-lived process waits for its last wake-up to be published

# With retry=False, kombu would enter a reconnect loop of its own (2 to 70 s). With max_retries=0, it does not.
PUBLISH_ONCE = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}


class Publisher:
    """The flag and the thread of one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.requested = threading.Event()
        self.idle = threading.Event()  # set while nothing waits to be published
        self.idle.set()
        self.failing = False
        # Of the requests that the next wake-up stands for; some may be missing if there are many.
        self.request_ids: deque[str] = deque(maxlen=MAX_REQUEST_IDS)
        threading.Thread(target=self._publish_forever, name="wake-up", daemon=True).start()

    def request(self) -> None:
        if request_id := current_ids().get("request_id"):
            self.request_ids.append(request_id)
        self.idle.clear()
        self.requested.set()

    def _publish_forever(self) -> None:
        while True:
            self.requested.wait()
            self.requested.clear()
            if not self._publish():
                self.requested.set()  # nothing was published, so try again after the pause
                time.sleep(PAUSE_AFTER_FAILURE.total_seconds())
                continue
            if not self.requested.is_set():
                self.idle.set()
            time.sleep(MIN_INTERVAL.total_seconds())

    def _publish(self) -> bool:
        failpoint("before-wake-up")
        request_ids = [*self.request_ids]
        headers = {REQUEST_IDS: request_ids} if request_ids else {}
        try:
            current_app.send_task(
                DELIVER_DUE, headers=headers, retry=True, retry_policy=PUBLISH_ONCE, expires=60, ignore_result=True
            )
        except Exception as error:  # whatever the broker's client raises: the row is safe, and the sweep finds it
            if not self.failing:
                logger.warning("No wake-up could be published; the sweep will find it: %s", error)
            self.failing = True
            return False
        self.failing = False
        for _ in request_ids:
            self.request_ids.popleft()
        return True


_publisher: Publisher | None = None
_starting = threading.Lock()


def wake_worker() -> None:
    """Wake a worker soon. Returns immediately, raises nothing, and merges wake-ups that come close together."""
    global _publisher
    publisher = _publisher  # most calls need no lock
    if publisher is None or publisher.pid != os.getpid():  # a thread doesn't survive a fork
        with _starting:
            if _publisher is None or _publisher.pid != os.getpid():
                _publisher = Publisher()
            publisher = _publisher
    publisher.request()


@atexit.register
def flush() -> None:
    """Publish the wake-up of a process that ends right after its commit, such as a management command."""
    if _publisher is not None and _publisher.pid == os.getpid():
        _publisher.idle.wait(EXIT_FLUSH_TIMEOUT.total_seconds())
