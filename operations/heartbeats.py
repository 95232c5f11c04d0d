"""Writes the heartbeat of this process, from a thread of its own with a database connection of its own.

Neither a worker nor beat ever waits for this thread. If the database is down, the thread logs that and goes on.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection
from django.db.models.functions import Now

from common.db import database_now
from operations.models import Heartbeat, Role

logger = logging.getLogger(__name__)

INTERVAL = timedelta(seconds=10)
FORGOTTEN_AFTER = timedelta(days=1)
CLEANUP_INTERVAL = timedelta(hours=1)
LONGEST_HOST = 200
LONGEST_FAREWELL = timedelta(seconds=2)  # a process that stops waits no longer for the database

# Returns how long ago the process last did its work, or None if it hasn't yet.
WorkAge = Callable[[], timedelta | None]


class Row:
    """The row of one process in one role."""

    def __init__(self, role: Role, work_age: WorkAge, name: str = "") -> None:
        self.name = name or f"{role}:{socket.gethostname()[:LONGEST_HOST]}:{os.getpid()}"
        self._role = role
        self._work_age = work_age
        self._began = time.monotonic()
        self._started_at: datetime | None = None
        self._cleaned_at: float | None = None

    def write(self) -> None:
        now = database_now()
        if self._started_at is None:
            self._started_at = now - timedelta(seconds=time.monotonic() - self._began)
        age = self._work_age()
        row = Heartbeat(
            name=self.name,
            role=self._role,
            started_at=self._started_at,
            seen_at=now,
            worked_at=None if age is None else now - age,
        )
        columns = ["role", "started_at", "seen_at", "worked_at", "stopped_at"]
        Heartbeat.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=columns)
        self._forget_dead(now)

    def mark_stopped(self) -> None:
        Heartbeat.objects.filter(name=self.name).update(stopped_at=Now())

    def _forget_dead(self, now: datetime) -> None:
        is_due = self._cleaned_at is None or time.monotonic() - self._cleaned_at > CLEANUP_INTERVAL.total_seconds()
        if is_due:
            Heartbeat.objects.filter(seen_at__lt=now - FORGOTTEN_AFTER).delete()
            self._cleaned_at = time.monotonic()


class Pulse:
    """Writes a row again and again, beginning now."""

    def __init__(self, role: Role, work_age: WorkAge) -> None:
        self.pid = os.getpid()
        self._row = Row(role, work_age)
        self.name = self._row.name
        self._is_failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_forever, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Mark the row, so that everybody sees right away that the process has stopped."""
        self._stopping.set()
        self._thread.join(LONGEST_FAREWELL.total_seconds())

    def _beat_forever(self) -> None:
        while not self._stopping.is_set():
            self._attempt(self._row.write)
            self._stopping.wait(INTERVAL.total_seconds())
        self._attempt(self._row.mark_stopped)

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # whatever the database's driver raises: the process must go on
            if not self._is_failing:
                logger.warning("The heartbeat of %s can't be written; the next one may be: %s", self.name, error)
            self._is_failing = True
        else:
            self._is_failing = False
        finally:
            self._close()

    def _close(self) -> None:
        """Close the connection, so that none is held between heartbeats or inherited by a fork."""
        try:
            connection.close()
        except Exception:  # it was broken, and the next heartbeat opens another one
            connection.connection = None
