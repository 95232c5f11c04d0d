"""Whether workers and beat are running and do their work, by their heartbeats."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.db import database_now
from operations.models import Heartbeat, Role

SILENT_AFTER = timedelta(minutes=1)  # six missed heartbeats
# Beat publishes several tasks a minute, and each takes a moment. With fewer workers than tasks, all of them get some.
STUCK_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Liveness:
    """The running workers and beats, and when one was last seen and last did its work. None: never, or not known.

    A worker does its work when it finishes a task, and beat when it publishes one.
    """

    workers: int
    worker_seen_at: datetime | None
    is_beat_running: bool
    beat_seen_at: datetime | None
    beats: int
    worker_worked_at: datetime | None  # by a worker that is running
    beat_worked_at: datetime | None  # by a beat that is running
    are_workers_stuck: bool  # they run, but none has finished a task for five minutes, although beat publishes tasks
    is_beat_stuck: bool  # it runs, but hasn't published a task for five minutes: it hangs, or the broker is down


def liveness() -> Liveness:
    """Return which processes reported within the last minute and haven't stopped. Reads the database."""
    now = database_now()
    rows = [*Heartbeat.objects.all()]
    workers, beats = running(rows, Role.WORKER, now), running(rows, Role.BEAT, now)
    is_beat_stuck = are_stuck(beats, now)
    return Liveness(
        workers=len(workers),
        worker_seen_at=last_seen(rows, Role.WORKER),
        is_beat_running=bool(beats),
        beat_seen_at=last_seen(rows, Role.BEAT),
        beats=len(beats),
        worker_worked_at=last_worked(workers),
        beat_worked_at=last_worked(beats),
        are_workers_stuck=are_stuck(workers, now) and bool(beats) and not is_beat_stuck,
        is_beat_stuck=is_beat_stuck,
    )


def running(rows: Sequence[Heartbeat], role: Role, now: datetime) -> Sequence[Heartbeat]:
    return [row for row in rows if row.role == role and not row.stopped_at and row.seen_at > now - SILENT_AFTER]


def last_seen(rows: Sequence[Heartbeat], role: Role) -> datetime | None:
    return max((row.seen_at for row in rows if row.role == role), default=None)


def last_worked(processes: Sequence[Heartbeat]) -> datetime | None:
    return max((row.worked_at for row in processes if row.worked_at), default=None)


def are_stuck(processes: Sequence[Heartbeat], now: datetime) -> bool:
    """Return whether processes run, and none of them did its work within the last five minutes."""
    return bool(processes) and all((row.worked_at or row.started_at) < now - STUCK_AFTER for row in processes)
