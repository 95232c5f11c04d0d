"""Wake-ups: they cost a request nothing, whatever the broker does."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WAKE_UP = """
import os, sys, time
import django; django.setup()
from emails.wakeup import wake_worker
def wake_up():
    started = time.perf_counter()
    for _ in range(1000):
        wake_worker()
    print(time.perf_counter() - started, flush=True)
    time.sleep(1)
wake_up()
if os.fork() == 0:
    wake_up()
    os._exit(0)
os.wait()
"""


def wake_up_in_a_process_and_its_fork(broker: str) -> tuple[list[float], str, float]:
    """Return the seconds for 1,000 wake-ups in each process, the log, and the seconds of the whole run."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "settings.test", "CELERY_BROKER_URL": broker}
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", WAKE_UP], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()], done.stderr, time.monotonic() - started


def test_wake_ups_cost_nothing_while_broker_is_down():
    seconds, log, whole = wake_up_in_a_process_and_its_fork("redis://127.0.0.1:1/0")
    print(f"1,000 wake-ups: {seconds[0] * 1000:.1f} ms, in a forked child {seconds[1] * 1000:.1f} ms")
    assert len(seconds) == 2
    assert max(seconds) < 0.5
    assert log.count("the sweep will find it") == 2, "logged once per process"
    assert whole < 20, "a process that exits waits a second at most"


def test_wake_up_of_a_working_broker_logs_nothing():
    seconds, log, _ = wake_up_in_a_process_and_its_fork("memory://localhost/")
    assert max(seconds) < 0.5
    assert "the sweep will find it" not in log
