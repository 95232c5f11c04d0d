"""What the heartbeats say about workers and beat."""

from datetime import timedelta

import pytest

from common.db import database_now
from operations.liveness import liveness
from operations.models import Heartbeat, Role

pytestmark = pytest.mark.django_db


def process(role, *, seen=5.0, worked=10.0, started=3600.0, stopped=False, name="x"):
    """Store a heartbeat. All times are seconds ago; None: never."""
    now = database_now()
    Heartbeat.objects.create(
        name=f"{role}:{name}:{Heartbeat.objects.count()}",
        role=role,
        started_at=now - timedelta(seconds=started),
        seen_at=now - timedelta(seconds=seen),
        worked_at=None if worked is None else now - timedelta(seconds=worked),
        stopped_at=now if stopped else None,
    )


def test_nothing_ever_ran():
    found = liveness()
    assert (found.workers, found.is_beat_running, found.beats) == (0, False, 0)
    assert (found.worker_seen_at, found.beat_seen_at, found.worker_worked_at) == (None, None, None)
    assert not (found.are_workers_stuck or found.is_beat_stuck)


def test_several_workers_and_beats_are_counted():
    for role in [Role.WORKER, Role.WORKER, Role.WORKER, Role.BEAT, Role.BEAT]:
        process(role)
    found = liveness()
    assert (found.workers, found.beats, found.is_beat_running) == (3, 2, True)


@pytest.mark.parametrize("ended", [{"seen": 61}, {"stopped": True}])
def test_silent_and_stopped_processes_are_not_running(ended):
    process(Role.WORKER, **ended)
    process(Role.BEAT, **ended)
    found = liveness()
    assert (found.workers, found.is_beat_running) == (0, False)
    assert found.worker_seen_at is not None  # so that people see when it ended
    assert found.beat_seen_at is not None


@pytest.mark.parametrize(
    ("workers", "is_stuck"),
    [
        ([10, 10], False),
        ([10, 301], False),  # the other one had nothing to do, or it hangs; emails go out
        ([301, 400], True),
        ([None], True),
    ],
)
def test_workers_without_a_finished_task_are_stuck(workers, is_stuck):
    process(Role.BEAT)
    for worked in workers:
        process(Role.WORKER, worked=worked)
    assert liveness().are_workers_stuck is is_stuck


def test_new_worker_is_not_stuck():
    process(Role.BEAT)
    process(Role.WORKER, worked=None, started=60)
    assert liveness().are_workers_stuck is False


@pytest.mark.parametrize("beat", [[], [301], [None]])
def test_workers_are_not_stuck_if_beat_publishes_nothing(beat):
    process(Role.WORKER, worked=301)
    for worked in beat:
        process(Role.BEAT, worked=worked)
    found = liveness()
    assert found.are_workers_stuck is False
    assert found.is_beat_stuck is bool(beat)
