"""Emails per second that one worker delivers from backlogs of different sizes. Needs PostgreSQL.

    python benchmarks/backlog.py [--sizes 50000 200000 1000000] [--statistics none stale fresh] [--threads 8]

For each size and state of PostgreSQL's statistics, a new database gets that many due rows, with autovacuum off. The
statistics are absent, older than the rows, or new. This process drains the outbox as a Celery worker would, through
Resend's batches of 100 at 20 ms latency. A stand-in in another process plays the provider.

Each backlog is measured at its beginning, in its middle, and at its end. The rows between are settled in SQL with the
same updates as in delivery, so that all their outdated versions and index entries stay behind. Each rate is the median
of three runs with 5,000 emails, which alternate with runs in a database that has no larger backlog, so that other load
on the machine affects both. Target: at least 0.85 of the rate there.
"""

import argparse
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
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


def use(database: str) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = database


def share(small: str, large: str) -> float:
    """Return the rate of the large backlog divided by the rate of the small one. Each is the median of three runs."""
    found: dict[str, list[float]] = {small: [], large: []}
    for _ in range(RUNS):
        # One after the other, so that other load on the machine affects both.
        use(small)
        queue(PORTION)
        found[small].append(rate())
        use(large)
        found[large].append(rate())
    medians = {database: statistics.median(runs) for database, runs in found.items()}
    print(f"{medians[large]:,.0f}/s from the large backlog, {medians[small]:,.0f}/s from the small one", flush=True)
    return medians[large] / medians[small]


def shares(size: int, state: str, small: str, large: str) -> dict[str, float]:
    """Return the share of the rate that is left at the three places of the backlog."""
    for database in (small, large):
        use(database)
        prepare(state)
    queue(size)
    if state == "fresh":
        execute("ANALYZE")
    found = {"beginning": share(small, large)}
    settle((due() - RUNS * PORTION) // 2)
    found["middle"] = share(small, large)
    settle(due() - RUNS * PORTION)
    found["end"] = share(small, large)
    return found


def due() -> int:
    from common.db import database_now
    from emails.models import OutboundEmail

    return OutboundEmail.objects.due(database_now()).count()


@contextmanager
def standin(latency: float) -> Iterator[str]:
    """Start a stand-in for the providers that takes that many seconds for each call, and yield its URL."""
    port = free_port()
    command = [sys.executable, "-m", "emails.tests.support.standin", "--port", str(port), "--latency", str(latency)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: responds(f"http://127.0.0.1:{port}/_standin/report"), "the stand-in responds")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def measure(size: int, state: str, threads: int) -> dict[str, float]:
    with standin(0.02) as base, temporary_database() as small, temporary_database() as large:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "DATABASE_URL": f"{POSTGRES}/{small}",
            "EMAIL_PROVIDER": "resend",
            "RESEND_API_KEY": "key_of_the_benchmark",
            "EMAIL_RATE_PER_SECOND": "0",
            "EMAIL_DELIVERY_THREADS": str(threads),
        }
        import django
        from django.conf import settings
        from django.db import connection

        django.setup()
        settings.RESEND_API_URL = f"{base}/resend"
        logging.getLogger("emails").setLevel(logging.WARNING)  # not a line for each email
        try:
            return shares(size, state, small, large)
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
            for place, left in measure(size, state, arguments.threads).items():
                figure = f"rate at the {place} of {size:,} due rows, {state} statistics / rate with 5,000"
                is_reached &= report(figure, left, TARGET, at_least=True)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
