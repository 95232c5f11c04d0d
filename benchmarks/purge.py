"""The rate at which four workers drain while retention deletes 1,000,000 old messages. Needs PostgreSQL.

    python benchmarks/purge.py [--rows 1000000] [--due 400000]          about five minutes

Half of the old messages have an idempotency key, so they are blanked instead of deleted. Four processes drain due
messages through a stand-in for Resend. Purging and not purging alternate every few seconds, so that other load on the
machine affects both. Targets: draining keeps 0.8 of its rate, and no statement takes longer than 500 ms.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import requests

from benchmarks.drain_rate import responds
from benchmarks.figures import report
from benchmarks.large_tables import fill, print_sizes
from emails.tests.support.standin import BASES
from tests.support.stack import POSTGRES, free_port, temporary_database, wait_until

TARGET_SHARE = 0.8
TARGET_MILLISECONDS = 500
WORKERS = 4
ROUNDS = 8
WINDOW = 5  # seconds
LATENCY = 0.02  # seconds, of the stand-in
FIRST_OLD = 1_000_001  # the number of the first old message; due ones have lower numbers

# Runs in a process of its own. Prints the longest statement in milliseconds.
PROCESS = """
import sys, time
import django
django.setup()
from pathlib import Path
from threading import Thread
from django.db import connection
from common import batches
from emails import retention
from emails.delivery import deliver_due, drain

longest = 0.0

def timed(execute, *arguments):
    global longest
    started = time.perf_counter()
    try:
        return execute(*arguments)
    finally:
        longest = max(longest, time.perf_counter() - started)

task, pause, end = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
rest = time.sleep

def wait_while_paused(seconds):
    rest(seconds)
    while pause.exists() and not end.exists():
        rest(0.02)
    if end.exists():
        raise SystemExit

def stop_at_end():
    while not end.exists():
        rest(0.1)
    drain.stopping.set()

try:
    with connection.execute_wrapper(timed):
        if task == "purge":
            batches.time.sleep = wait_while_paused
            retention.purge()
        else:
            # A drain goes on as long as anything is due.
            Thread(target=stop_at_end, daemon=True).start()
            while not end.exists():
                deliver_due()
finally:
    print(longest * 1000)
"""


def start(task: str, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROCESS, task, folder / "pause", folder / "end"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def load(rows: int, due: int) -> None:
    """Store that many old messages with attempts and events, and that many due ones."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    last = FIRST_OLD + rows - 1
    fill(FIRST_OLD, last, days=(31, 60), kept_days=90, queued=0)
    fill(1, due, days=(0, 1), queued=due, tables=["emails_outboundemail"])
    print_sizes()
    connection.close()


def rates(pause: Path, accepted: Callable[[], int]) -> Iterator[tuple[bool, float]]:
    """Yield whether the purge runs, and the emails per second, of each window."""
    for number in range(2 * ROUNDS):
        is_purging = number % 2 == 1
        (pause.unlink if is_purging else pause.touch)()
        time.sleep(0.5)
        before, started = accepted(), time.perf_counter()
        time.sleep(WINDOW)
        yield is_purging, (accepted() - before) / (time.perf_counter() - started)


def measure(rows: int, due: int, base: str, folder: Path) -> bool:
    from django.utils import timezone

    from emails.models import OutboundEmail
    from emails.models.messages import HAS_BODY_OR_NO_KEY

    def accepted() -> int:
        return int(requests.get(f"{base}/_standin/report", timeout=30).json()["accepted"])

    old = OutboundEmail.objects.filter(HAS_BODY_OR_NO_KEY, settled_at__lt=timezone.now() - timedelta(days=30))
    pause = folder / "pause"
    pause.touch()
    workers = [start("drain", folder) for _ in range(WORKERS)]
    purge = start("purge", folder)
    try:
        wait_until(lambda: accepted() > 1000, "the workers drain")
        windows = list(rates(pause, accepted))
        left = due - accepted()
    finally:
        (folder / "end").touch()
    longest = {"purge": float(purge.communicate()[0])}
    longest["drain"] = max(float(worker.communicate()[0]) for worker in workers)
    alone, purging = (
        statistics.median(rate for is_purging, rate in windows if is_purging is which) for which in (False, True)
    )
    print(f"purged {rows - old.count():,} of {rows:,} old messages in {ROUNDS * (WINDOW + 0.5):.0f} s")
    print(f"{alone:,.0f} emails/s without and {purging:,.0f} with the purge; {left:,} of {due:,} are left")
    is_reached = report("draining while purging / draining alone", purging / alone, TARGET_SHARE, at_least=True)
    for task, milliseconds in longest.items():
        is_reached &= report(f"longest statement, {task}", milliseconds, TARGET_MILLISECONDS, " ms")
    if left <= 0:
        print("The due messages ran out, so the rate is wrong. Raise --due.")
    return is_reached and left > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=400_000)
    arguments = parser.parse_args()
    port = free_port()
    standin = [sys.executable, "-m", "emails.tests.support.standin", "--port", str(port), "--latency", str(LATENCY)]
    server = subprocess.Popen(standin, cwd=ROOT)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: responds(f"{base}/_standin/report"), "the stand-in responds")
        with temporary_database() as database, TemporaryDirectory() as folder:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "settings.test",
                "DATABASE_URL": f"{POSTGRES}/{database}",
                "EMAIL_PROVIDER": "resend",
                "RESEND_API_KEY": "key_of_the_benchmark",
                "RESEND_API_URL": base + BASES["resend"],
                "EMAIL_RATE_PER_SECOND": "0",
            }
            load(arguments.rows, arguments.due)
            return 0 if measure(arguments.rows, arguments.due, base, Path(folder)) else 1
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
