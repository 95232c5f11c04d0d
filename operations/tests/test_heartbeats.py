"""Workers and beat report that they run, whatever the database does."""

import time
from datetime import timedelta

import pytest
from celery.signals import after_task_publish
from celery.worker import state
from django.db import connection

from common.db import database_now
from operations import heartbeats, tasks
from operations.heartbeats import Pulse
from operations.models import Heartbeat, Role
from tests.support.stack import wait_until


@pytest.fixture
def make_pulse(shared_database, monkeypatch):
    """Provide a function that starts a heartbeat, 50 times a second instead of every 10 seconds."""
    monkeypatch.setattr(heartbeats, "INTERVAL", timedelta(seconds=0.02))
    pulses = []

    def make(role=Role.WORKER, age=None):
        pulses.append(Pulse(role, lambda: age))
        return pulses[-1]

    yield make
    for pulse in pulses:
        pulse.stop()


def has_begun(pulse: Pulse) -> bool:
    return Heartbeat.objects.filter(name=pulse.name).exists()


def row(pulse: Pulse) -> Heartbeat:
    return Heartbeat.objects.get(name=pulse.name)


def test_process_reports_again_and_again(make_pulse):
    pulse = make_pulse()
    wait_until(lambda: has_begun(pulse), "first heartbeat")
    first = row(pulse)
    wait_until(lambda: row(pulse).seen_at > first.seen_at, "second heartbeat")
    assert (row(pulse).started_at, row(pulse).stopped_at) == (first.started_at, None)


def test_clean_stop_is_noticed_right_away(make_pulse):
    pulse = make_pulse()
    wait_until(lambda: has_begun(pulse), "first heartbeat")
    pulse.stop()
    assert row(pulse).stopped_at is not None


def test_worker_and_beat_of_one_process_have_a_row_each(make_pulse):
    make_pulse(Role.WORKER), make_pulse(Role.BEAT)
    wait_until(lambda: Heartbeat.objects.count() == 2, "two rows")


def test_time_of_the_last_work_is_stored(make_pulse):
    pulse = make_pulse(age=timedelta(minutes=3))
    wait_until(lambda: has_begun(pulse), "first heartbeat")
    found = row(pulse)
    assert found.worked_at == found.seen_at - timedelta(minutes=3)


def test_heartbeat_recovers_from_database_errors_with_one_log_line(make_pulse, caplog):
    pulse = make_pulse()
    wait_until(lambda: has_begun(pulse), "first heartbeat")
    seen_at = row(pulse).seen_at
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE operations_heartbeat RENAME TO moved")
        wait_until(lambda: "can't be written" in caplog.text, "the warning")
        time.sleep(0.1)  # for more warnings, if there were any
        cursor.execute("ALTER TABLE moved RENAME TO operations_heartbeat")
    wait_until(lambda: row(pulse).seen_at > seen_at + timedelta(seconds=0.1), "the next heartbeat")
    assert caplog.text.count("can't be written") == 1


def test_dead_processes_are_forgotten_after_a_day(make_pulse):
    now = database_now()
    for name, hours in [("worker:a:1", 25), ("worker:b:1", 23)]:
        seen_at = now - timedelta(hours=hours)
        Heartbeat.objects.create(name=name, role=Role.WORKER, started_at=seen_at, seen_at=seen_at)
    make_pulse()
    wait_until(lambda: not Heartbeat.objects.filter(name="worker:a:1").exists(), "the cleanup")
    assert Heartbeat.objects.filter(name="worker:b:1").exists()


def test_finished_tasks_are_noticed(monkeypatch):
    monkeypatch.setattr(state, "all_total_count", [7])
    monkeypatch.setattr(state, "active_requests", {"running"})
    finished = tasks.FinishedTasks()
    state.all_total_count[0] += 1
    state.active_requests.add("also running")
    assert finished.age() is None
    state.active_requests.discard("running")
    assert finished.age() is not None


def test_published_tasks_are_noticed():
    published = tasks.PublishedTasks()
    assert published.age() is None
    after_task_publish.connect(published.note)
    after_task_publish.send(sender="a.task", body=(), exchange="", routing_key="")
    assert published.age() is not None
