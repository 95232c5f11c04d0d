"""The Celery tasks, and the start and end of heartbeats. Celery loads this module in workers and beat."""

import atexit
import os
import time
from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.signals import after_task_publish, beat_embedded_init, beat_init, worker_ready, worker_shutdown
from celery.worker import state
from django.conf import settings

from operations.heartbeats import Pulse
from operations.metrics import counting
from operations.models import Role

_pulses: dict[Role, Pulse] = {}


@shared_task(ignore_result=True)
def count_totals() -> None:
    """Add what happened since the last time to the totals on /metrics. Only if somebody may read them."""
    if settings.METRICS_TOKEN:
        counting.count_all()


@worker_ready.connect
def start_worker_pulse(**_: Any) -> None:
    """Start the heartbeat of a worker. Celery also sends this signal when it is connected to its broker again."""
    if not is_beating(Role.WORKER):
        _pulses[Role.WORKER] = Pulse(Role.WORKER, FinishedTasks().age)


@beat_init.connect
@beat_embedded_init.connect
def start_beat_pulse(**_: Any) -> None:
    if not is_beating(Role.BEAT):
        published = PublishedTasks()
        after_task_publish.connect(published.note, weak=False)
        _pulses[Role.BEAT] = Pulse(Role.BEAT, published.age)


def is_beating(role: Role) -> bool:
    return role in _pulses and _pulses[role].pid == os.getpid()


@worker_shutdown.connect
def stop_pulses(**_: Any) -> None:
    """End the heartbeats of this process. Safe to repeat."""
    for role in [role for role in Role if is_beating(role)]:
        _pulses.pop(role).stop()


# Celery has no signal for the end of beat.
atexit.register(stop_pulses)


class FinishedTasks:
    """Notices when this worker finishes a task, with every pool: the counts belong to the worker's main process."""

    def __init__(self) -> None:
        self._count = finished_count()
        self._changed_at: float | None = None

    def age(self) -> timedelta | None:
        """Return how long ago a task was last finished, to the interval between two calls."""
        if (count := finished_count()) != self._count:
            self._count, self._changed_at = count, time.monotonic()
        return None if self._changed_at is None else timedelta(seconds=time.monotonic() - self._changed_at)


def finished_count() -> int:
    # Celery counts the tasks that a worker started, and lists those that it hasn't finished.
    return state.all_total_count[0] - len(state.active_requests)


class PublishedTasks:
    """Notices when this process publishes a task. While the broker is down, beat waits for it and publishes none."""

    def __init__(self) -> None:
        self._published_at: float | None = None

    def note(self, **_: Any) -> None:
        self._published_at = time.monotonic()

    def age(self) -> timedelta | None:
        """Return how long ago a task was last published."""
        return None if self._published_at is None else timedelta(seconds=time.monotonic() - self._published_at)
