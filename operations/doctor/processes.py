"""Whether a worker and beat are running, and whether they have the same settings as this process."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.timesince import timesince

from common.db import database_now
from operations.doctor.checks import Check, Trouble, serious
from operations.doctor.comparison import different_variables
from operations.liveness import liveness
from operations.models import Report
from operations.models.reports import OLD_AFTER

WORKER_FIX = "Start celery -A myproject worker, and read its log if it ends."
BEAT_FIX = "Start celery -A myproject beat once, and read its log if it ends."
STUCK_WORKER_FIX = "Read its log, and restart it: what it holds is done again."
STUCK_BEAT_FIX = "Check the broker (CELERY_BROKER_URL, or else REDIS_URL), and restart beat if it responds."


def worker() -> Iterator[Trouble]:
    state = liveness()
    if not state.workers:
        yield serious(f"No worker is running{since(state.worker_seen_at)}, so no email is sent.", WORKER_FIX)
    elif state.are_workers_stuck:
        yield serious("Workers are running, but none has finished a task for five minutes.", STUCK_WORKER_FIX)


def beat() -> Iterator[Trouble]:
    state = liveness()
    if not state.is_beat_running:
        yield serious(
            f"beat is not running{since(state.beat_seen_at)}, so nothing is retried, and no deadline is kept.", BEAT_FIX
        )
    elif state.is_beat_stuck:
        yield serious("beat is running, but hasn't published a task for five minutes.", STUCK_BEAT_FIX)


def since(seen_at: datetime | None) -> str:
    return f" (last seen {timesince(seen_at, database_now())} ago)" if seen_at else ""


def variables() -> Iterator[Trouble]:
    """Compare the variables with those of the worker that made the last report, if that isn't old."""
    report = Report.objects.filter(checked_at__gt=database_now() - OLD_AFTER).first()
    for name in different_variables(report.fingerprints) if report else ():
        yield serious(
            f"It is not the same here and in the worker that checked last ({report}).",
            "Give both the same value, and restart them. A worker checks again within five minutes.",
            name,
        )


CHECKS = (
    Check("processes.worker", "worker", worker),
    Check("processes.beat", "beat", beat),
    Check("processes.variables", "variables", variables),
)
