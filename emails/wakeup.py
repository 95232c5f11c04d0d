"""The bell: telling a worker, after a commit, that mail is due.

A request only sets a flag. One daemon thread per process publishes to Celery, because a publish can take half a second
on a frozen Redis and five on a slow name server. The bell may fail: a beat task sweeps due rows every 15 seconds.
"""

import atexit
import logging
import os
import threading
import time
from datetime import timedelta

from celery import current_app

from common.failpoints import failpoint

logger = logging.getLogger(__name__)

DELIVER_DUE = "emails.tasks.deliver_due"
REST = timedelta(milliseconds=200)  # between two rings: a publish costs more CPU than queueing a mail
PAUSE_AFTER_FAILURE = timedelta(seconds=5)
LAST_WORDS = timedelta(seconds=1)  # what a command that ends waits for its bell

# max_retries 0 under retry=True: with retry=False kombu falls into a reconnect loop of its own (2 to 70 s).
PUBLISH_ONCE = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}


class Bell:
    """The flag and the thread of one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.flag = threading.Event()
        self.quiet = threading.Event()  # set while nothing waits to be published
        self.quiet.set()
        self.failing = False
        threading.Thread(target=self._publish_for_ever, name="nudge", daemon=True).start()

    def ring(self) -> None:
        self.quiet.clear()
        self.flag.set()

    def _publish_for_ever(self) -> None:
        while True:
            self.flag.wait()
            self.flag.clear()
            if not self._publish():
                self.flag.set()
                time.sleep(PAUSE_AFTER_FAILURE.total_seconds())
                continue
            if not self.flag.is_set():
                self.quiet.set()
            time.sleep(REST.total_seconds())

    def _publish(self) -> bool:
        failpoint("before-nudge")
        try:
            current_app.send_task(DELIVER_DUE, retry=True, retry_policy=PUBLISH_ONCE, expires=60, ignore_result=True)
        except Exception as error:  # whatever the broker's client raises, the row is safe and the sweep finds it
            if not self.failing:
                logger.warning("The broker cannot be told that mail is due; the sweep will find it: %s", error)
            self.failing = True
            return False
        self.failing = False
        return True


_bell: Bell | None = None
_starting = threading.Lock()


def nudge_worker() -> None:
    """Ring the bell: returns at once, raises nothing, and rings that come close together become one."""
    global _bell
    bell = _bell
    if bell is None or bell.pid != os.getpid():  # after a fork the thread is gone
        with _starting:
            if _bell is None or _bell.pid != os.getpid():
                _bell = Bell()
            bell = _bell
    bell.ring()


@atexit.register
def finish_ringing() -> None:
    """Let a process that ends right after its commit (a management command) still ring."""
    if _bell is not None and _bell.pid == os.getpid():
        _bell.quiet.wait(LAST_WORDS.total_seconds())
