"""Real workers and a real beat report that they run, and nothing about these reports can hold them up."""

import signal

import psycopg
import pytest

from tests.support.stack import wait_until

pytestmark = pytest.mark.slow

RUNNING = "SELECT role, count(*) FROM operations_heartbeat WHERE stopped_at IS NULL GROUP BY role"
WORKED = "SELECT role, count(*) FROM operations_heartbeat WHERE worked_at IS NOT NULL GROUP BY role"


def stop(stack, name: str) -> int:
    process = stack.processes.pop(name)
    process.send_signal(signal.SIGTERM)
    return int(process.wait())


@pytest.fixture
def stack(make_stack, redis_server):
    stack = make_stack(REDIS_URL=redis_server.url)
    # A worker with the usual pool, one with processes, and beat.
    stack.start_worker("threads", wait=False)
    stack.start_worker("processes", options=("--pool", "prefork", "-c", "1"), wait=False)
    stack.start_beat()
    wait_until(lambda: dict(stack.query(RUNNING)) == {"worker": 2, "beat": 1}, "all three report")
    return stack


def test_heartbeats_hold_nobody_up_and_say_when_a_process_ends(stack):
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("LOCK TABLE operations_heartbeat IN ACCESS EXCLUSIVE MODE")  # each heartbeat hangs
        stack.queue(2)
        wait_until(lambda: stack.statuses() == {"sent": 2}, "emails are sent without heartbeats")
        assert stop(stack, "processes") == 0
    wait_until(lambda: dict(stack.query(WORKED)).keys() >= {"worker", "beat"}, "both report that they do their work")
    assert [stop(stack, name) for name in ("threads", "beat")] == [0, 0]
    wait_until(lambda: "beat" not in dict(stack.query(RUNNING)), "the ends are marked")
    assert stack.query(RUNNING) in ([], [("worker", 1)])  # the one that ended while its row was locked falls silent
