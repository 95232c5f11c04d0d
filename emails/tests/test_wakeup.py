"""The bell: ringing costs a request nothing, whatever the broker does."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RING = """
import os, sys, time
import django; django.setup()
from emails.wakeup import wake_worker
def ring():
    started = time.perf_counter()
    for _ in range(1000):
        wake_worker()
    print(time.perf_counter() - started, flush=True)
    time.sleep(1)
ring()
if os.fork() == 0:
    ring()
    os._exit(0)
os.wait()
"""


def ring_in_a_process_and_its_fork(broker: str) -> tuple[list[float], str, float]:
    """The seconds that 1,000 rings took in each, what was logged, and the seconds of the whole."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "settings.test", "CELERY_BROKER_URL": broker}
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", RING], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()], done.stderr, time.monotonic() - started


def test_a_thousand_rings_cost_nothing_while_the_broker_is_away():
    seconds, log, whole = ring_in_a_process_and_its_fork("redis://127.0.0.1:1/0")
    print(f"1,000 rings: {seconds[0] * 1000:.1f} ms, in a forked child {seconds[1] * 1000:.1f} ms")
    assert len(seconds) == 2
    assert max(seconds) < 0.5
    assert log.count("the sweep will find it") == 2, "said once in each process"
    assert whole < 20, "and a process that ends waits a second at most"


def test_a_broker_that_answers_is_told_without_a_word():
    seconds, log, _ = ring_in_a_process_and_its_fork("memory://localhost/")
    assert max(seconds) < 0.5
    assert "the sweep will find it" not in log
