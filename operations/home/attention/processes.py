"""Workers and beat that don't run."""

from collections.abc import Iterator
from datetime import datetime

from operations.home.attention.items import Item, Urgency
from operations.liveness import liveness

WORKER = "celery -A myproject worker"
BEAT = "celery -A myproject beat"


def stopped_processes(now: datetime) -> Iterator[Item]:
    state = liveness()
    if not state.workers:
        yield Item(
            Urgency.EVERYTHING_STOPS,
            "No worker is running, so no email goes out.",
            "Start a worker. Emails that wait go out right away.",
            since=state.worker_seen_at,
            command=WORKER,
        )
    if not state.is_beat_running:
        yield Item(
            Urgency.EVERYTHING_STOPS,
            "Beat isn't running, so nothing is retried, reminded of, or cleaned up.",
            "Start beat, once for the whole installation.",
            since=state.beat_seen_at,
            command=BEAT,
        )
    if state.are_workers_stuck:
        yield Item(
            Urgency.EVERYTHING_STOPS,
            "Workers run, but none has finished a task for five minutes.",
            "Check the workers' logs and the broker, and restart the workers. No email is lost.",
            since=state.worker_worked_at,
            command=WORKER,
        )
    if state.is_beat_stuck:
        yield Item(
            Urgency.EVERYTHING_STOPS,
            "Beat runs, but hasn't published a task for five minutes.",
            "Check whether the broker (REDIS_URL) responds, and restart beat.",
            since=state.beat_worked_at,
            command=BEAT,
        )
