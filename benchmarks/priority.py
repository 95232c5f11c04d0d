"""How long a password reset waits while 50,000 bulk emails are due, through each provider. Needs PostgreSQL.

    python benchmarks/priority.py [--bulk 50000] [--latency 0.1] [--threads 8] [--resets 5]

This process drains the outbox as a Celery worker would. A stand-in in another process plays the provider. Sequenzy and
Resend are called at their default rates, 100 calls a minute and 2 a second, and Resend once more without a limit. While
the drain runs, resets are queued one after the other. Prints the longest time until the provider received one, and the
most other calls that began after it was queued and before its own. Targets: 2 s, and 2 calls per thread.
"""

import argparse
import logging
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks.backlog import queue, standin
from benchmarks.figures import report
from emails.tests.support.standin import BASES
from tests.support.stack import POSTGRES, temporary_database

MAX_SECONDS = 2.0
MAX_CALLS_PER_THREAD = 2
PROVIDERS = {"sequenzy": None, "resend": None, "resend without a limit": 0.0, "sendgrid": None}


class Recorder:
    """Records when each call begins, and when each reset is queued."""

    def __init__(self) -> None:
        from emails.delivery.calls import Call

        self.log: list[tuple[str, str, float]] = []  # "queued" or "begun", key of the reset or "", time
        make = Call.make

        def record(call: Call) -> object:
            resets = [str(row.pk) for row in call.rows if row.kind == "password_reset"]
            entries = [("begun", reset, time.monotonic()) for reset in resets or [""]]
            self.log += entries
            return make(call)

        Call.make = record

    def queue_resets(self, count: int) -> None:
        """Queue resets, each a random moment after the last one was sent, and then stop the drain."""
        from django.db import connection

        from emails.backends.outbox import row_from
        from emails.delivery import drain
        from emails.models import Priority
        from emails.tests.support.messages import mail

        for _ in range(count):
            time.sleep(1 + random.random())
            row = row_from(mail())
            row.kind, row.priority = "password_reset", Priority.WAITING
            row.save(force_insert=True)
            self.log.append(("queued", str(row.pk), time.monotonic()))
            while not any(entry[:2] == ("begun", str(row.pk)) for entry in self.log):
                time.sleep(0.01)
        drain.stop()
        connection.close()

    def waits(self) -> list[tuple[float, int]]:
        """Return the seconds and the calls that each reset waited for."""
        found = []
        for start, (event, key, queued_at) in enumerate(self.log):
            if event == "queued":
                end = next(n for n, entry in enumerate(self.log) if entry[:2] == ("begun", key))
                others = [entry for entry in self.log[start:end] if entry[0] == "begun"]
                found.append((self.log[end][2] - queued_at, len(others)))
        return found


def waits_of(provider: str, rate: float | None, arguments: argparse.Namespace) -> list[tuple[float, int]]:
    """Return the seconds and the calls that each reset waited for, in a process with this provider."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from emails.delivery import deliver_due

    logging.getLogger("emails").setLevel(logging.WARNING)  # not a line for each email
    settings.EMAIL_RATE_PER_SECOND = rate
    call_command("migrate", verbosity=0)
    queue(arguments.bulk)
    recorder = Recorder()
    resets = threading.Thread(target=recorder.queue_resets, args=[arguments.resets])
    resets.start()
    deliver_due()
    resets.join()
    connection.close()
    return recorder.waits()


def measure(name: str, rate: float | None, arguments: argparse.Namespace) -> bool:
    """Measure one provider, and print its figures. Returns whether they reach the targets."""
    provider = name.split()[0]
    with standin(arguments.latency) as base, temporary_database() as database:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "DATABASE_URL": f"{POSTGRES}/{database}",
            "EMAIL_PROVIDER": provider,
            f"{provider.upper()}_API_KEY": "key_of_the_benchmark",
            f"{provider.upper()}_API_URL": base + BASES[provider],
            "EMAIL_DELIVERY_THREADS": str(arguments.threads),
        }
        waits = waits_of(provider, rate, arguments)
    is_reached = report(f"{name}: a reset waits", max(seconds for seconds, _ in waits), MAX_SECONDS, " s")
    calls = max(calls for _, calls in waits) / arguments.threads
    return report(f"{name}: calls per thread ahead of it", calls, MAX_CALLS_PER_THREAD) and is_reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bulk", type=int, default=50_000)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--resets", type=int, default=5)
    parser.add_argument("--provider", choices=PROVIDERS, help="only this one, in this process")
    arguments = parser.parse_args()
    if arguments.provider:
        return 0 if measure(arguments.provider, PROVIDERS[arguments.provider], arguments) else 1
    # A process each, because settings are read once.
    command = [sys.executable, __file__, *sys.argv[1:], "--provider"]
    results = [subprocess.run([*command, provider]).returncode for provider in PROVIDERS]
    return max(results)


if __name__ == "__main__":
    sys.exit(main())
