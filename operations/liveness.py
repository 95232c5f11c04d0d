"""Whether workers and beat are running, by their heartbeats."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from common.db import database_now
from operations.models import Heartbeat, Role

SILENT_AFTER = timedelta(minutes=1)  # six missed heartbeats


@dataclass(frozen=True, slots=True)
class Liveness:
    """The running workers, and when a worker and beat were last seen. None: never."""

    workers: int
    worker_seen_at: datetime | None
    is_beat_running: bool
    beat_seen_at: datetime | None


def liveness() -> Liveness:
    """Return which processes reported within the last minute. Reads the database."""
    now = database_now()
    last_seen = dict(Heartbeat.objects.values_list("role").annotate(Max("seen_at")))
    running = Heartbeat.objects.filter(role=Role.WORKER, seen_at__gt=now - SILENT_AFTER).count()
    beat_seen_at = last_seen.get(Role.BEAT)
    return Liveness(
        workers=running,
        worker_seen_at=last_seen.get(Role.WORKER),
        is_beat_running=beat_seen_at is not None and beat_seen_at > now - SILENT_AFTER,
        beat_seen_at=beat_seen_at,
    )
