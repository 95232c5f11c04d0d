"""Emails per second that one worker delivers from backlogs of different sizes. Needs PostgreSQL.

    python benchmarks/backlog.py [--sizes 50000 200000 1000000] [--statistics none stale fresh] [--threads 8]

For each size and state of PostgreSQL's statistics, a new database gets that many due rows, with autovacuum off. The
statistics are absent, older than the rows, or new. This process drains the outbox as a Celery worker would, through
Resend's batches of 100 at 20 ms latency. A stand-in in another process plays the provider.

Each backlog is measured at its beginning, in its middle, and at its end. The rows between are settled in SQL with the
same updates as in delivery, so that all their outdated versions and index entries stay behind. Each rate is compared
with that of a backlog of 5,000 in the same database. A rate is the best of three runs with 5,000 emails each, because
other load on the machine can only lower it. Target: at least 0.85.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks.drain_rate import responds
from benchmarks.figures import report
from tests.support.stack import POSTGRES, free_port, temporary_database, wait_until

TARGET = 0.85
PORTION = 5000
RUNS = 3
STATES = ["none", "stale", "fresh"]
TABLES = ("emails_outboundemail", "emails_deliveryattempt", "emails_attemptedemail", "emails_deliveryevent")

QUEUE = """
INSERT INTO emails_outboundemail (id, kind, status, reason, detail, recipients, subject, content, sensitive, metadata,
    created_at, due_at, isolated, crashes, failures, provider, provider_message_id, priority)
SELECT gen_random_uuid(), 'news', 'queued', '', '', 'person-' || n || '@example.com', 'Hello', %s, false, '{}',
    now(), now(), false, 0, 0, '', '', 2
FROM generate_series(1, %s) AS n
"""
# What a worker's statements leave behind: for each row, the versions "claimed", "in an attempt", and "sent".
SETTLE = """
DO $$
DECLARE keys uuid[];
BEGIN
    FOR step IN 1..{steps} LOOP
        keys := ARRAY(SELECT id FROM emails_outboundemail
            WHERE isolated IN (false) AND priority = 2 AND due_at <= now() AND lease_token IS NULL
            ORDER BY due_at LIMIT 500);
        UPDATE emails_outboundemail SET lease_token = gen_random_uuid(), due_at = now() + interval '60 seconds',
            status = 'sending' WHERE id = ANY (keys);
        COMMIT;
        UPDATE emails_outboundemail SET lease_token = NULL, due_at = NULL WHERE id = ANY (keys);
        COMMIT;
        UPDATE emails_outboundemail SET status = 'sent', sent_at = now(), settled_at = now() WHERE id = ANY (keys);
        COMMIT;
    END LOOP;
END $$
"""
WALKS = "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off"


def execute(sql: str, *parameters: object) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)


def prepare(state: str) -> None:
    """Create the tables, in which autovacuum is off. With "stale", everything is settled when they are analyzed."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for table in TABLES:
        execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    if state == "stale":
        queue(2000)
        settle(2000)
        execute("ANALYZE")


def queue(count: int) -> None:
    """Insert due rows that all have the same content."""
    import json

    from emails.backends.outbox import row_from
    from emails.tests.support.messages import mail

    content = row_from(mail(html="<p>Hello there.</p>" + "<p>And some more of it.</p>" * 50)).content
    execute(QUEUE, json.dumps(content), count)


def settle(count: int) -> None:
    execute(WALKS)
    execute(SETTLE.format(steps=count // 500))
    execute("RESET ALL")


def best_rate(prepare_run: Callable[[], None] = lambda: None) -> float:
    """Return the emails per second of the fastest of three runs."""
    found = []
    for _ in range(RUNS):
        prepare_run()
        execute("CHECKPOINT")  # otherwise the writes before would slow down the run
        found.append(rate())
    return max(found)


def rate() -> float:
    """Deliver the next 5,000 due emails, and return the emails per second. The rest of the backlog stays due."""
    from emails.delivery import drain

    class PartialDrain(drain.Drain):
        result = 0.0

        def settle_finished(self) -> None:
            super().settle_finished()
            if self.settled >= PORTION // 100 and not self.result:
                self.result = self.settled * 100 / (time.perf_counter() - started)
                drain.stop()

    partial = PartialDrain()
    started = time.perf_counter()
    partial.run()
    drain.stopping.clear()
    return partial.result


def rates(size: int, state: str) -> dict[str, float]:
    """Return the rates at the three places of the backlog, each divided by the rate of a backlog of 5,000."""
    prepare(state)
    small = best_rate(lambda: queue(PORTION))
    queue(size)
    if state == "fresh":
        execute("ANALYZE")
    measured = {"beginning": best_rate()}
    settle((due() - RUNS * PORTION) // 2)
    measured["middle"] = best_rate()
    settle(due() - RUNS * PORTION)
    measured["end"] = best_rate()
    print(f"{small:,.0f}/s from 5,000; " + ", ".join(f"{now:,.0f}/s at the {place}" for place, now in measured.items()))
    return {place: now / small for place, now in measured.items()}


def due() -> int:
    from common.db import database_now
    from emails.models import OutboundEmail

    return OutboundEmail.objects.due(database_now()).count()


@contextmanager
def resend() -> Iterator[str]:
    """Start a stand-in for Resend that takes 20 ms for each call, and yield its URL."""
    port = free_port()
    command = [sys.executable, "-m", "emails.tests.support.standin", "--port", str(port), "--latency", "0.02"]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until(lambda: responds(f"http://127.0.0.1:{port}/_standin/report"), "the stand-in responds")
        yield f"http://127.0.0.1:{port}/resend"
    finally:
        server.kill()
        server.wait()


def measure(size: int, state: str, threads: int) -> dict[str, float]:
    """Measure one backlog in a process of its own, because Django can't change its database."""
    with resend() as url, temporary_database() as database:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "DATABASE_URL": f"{POSTGRES}/{database}",
            "EMAIL_PROVIDER": "resend",
            "RESEND_API_KEY": "key_of_the_benchmark",
            "RESEND_API_URL": url,
            "EMAIL_RATE_PER_SECOND": "0",
            "EMAIL_DELIVERY_THREADS": str(threads),
        }
        import logging

        import django
        from django.conf import settings
        from django.db import connection

        django.setup()
        logging.getLogger("emails").setLevel(logging.WARNING)  # not a line for each email
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = database
        settings.RESEND_API_URL = url
        try:
            return rates(size, state)
        finally:
            connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50_000, 200_000, 1_000_000])
    parser.add_argument(
        "--statistics", nargs="+", choices=["none", "stale", "fresh"], default=["none", "stale", "fresh"]
    )
    parser.add_argument("--threads", type=int, default=8)
    arguments = parser.parse_args()
    is_reached = True
    for size in arguments.sizes:
        for state in arguments.statistics:
            for place, share in measure(size, state, arguments.threads).items():
                figure = f"rate at the {place} of {size:,} due rows, {state} statistics / rate with 5,000"
                is_reached &= report(figure, share, TARGET, at_least=True)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
