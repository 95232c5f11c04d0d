"""Finding due work must not get slower with what was settled long ago. Needs PostgreSQL.

    python benchmarks/claim_cost.py [postgres://postgres@127.0.0.1:5432]

Claims 10 due rows, over and over, in a table with 1,000 and then with 1,000,000 settled rows, and prints the ratio of
the medians. Target: at most 1.2.
"""

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.stack import POSTGRES, temporary_database

TARGET = 1.2
ROUNDS = 300

SETTLED = """
INSERT INTO emails_outboundemail (id, kind, status, reason, detail, recipients, subject, content, sensitive, metadata,
    created_at, due_at, isolated, crashes, failures, provider, provider_message_id, sent_at, settled_at)
SELECT gen_random_uuid(), 'welcome', 'sent', '', '', 'person-' || n || '@example.com', 'Hello', NULL, false, '{}',
    now() - n * interval '1 second', NULL, false, 0, 0, 'resend', 'id-' || n, now(), now()
FROM generate_series(1, %s) AS n
"""


def median_claim(rounds: int = ROUNDS) -> float:
    """Milliseconds to claim ten due rows; the rows are put back outside the measured time."""
    from datetime import timedelta

    from emails.models import OutboundEmail, Status
    from emails.querysets import database_now

    times = []
    for _ in range(rounds):
        now = database_now()
        started = time.perf_counter()
        rows = OutboundEmail.objects.claim(limit=10, now=now, lease=timedelta(seconds=60), status=Status.SENDING)
        times.append((time.perf_counter() - started) * 1000)
        assert len(rows) == 10
        OutboundEmail.objects.filter(pk__in=[row.pk for row in rows]).update(
            due_at=now, lease_token=None, status="queued"
        )
    return statistics.median(times)


def main() -> int:
    server = sys.argv[1] if len(sys.argv) > 1 else POSTGRES
    with temporary_database() as database:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "settings.test", "DATABASE_URL": f"{server}/{database}"}
        import django

        django.setup()
        from django.core.mail import EmailMessage, get_connection
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        outbox = get_connection("emails.backends.outbox.OutboxBackend")
        outbox.send_messages([EmailMessage("Hello", "Hello", to=[f"due-{n}@example.com"]) for n in range(100)])
        results = {}
        for settled in (1_000, 1_000_000):
            with connection.cursor() as cursor:
                cursor.execute(SETTLED, [settled])
                cursor.execute("VACUUM ANALYZE emails_outboundemail")
            results[settled] = median_claim()
        connection.close()
    ratio = results[1_000_000] / results[1_000]
    print(
        f"claiming 10 rows: {results[1_000]:.2f} ms with 1,000 settled rows, {results[1_000_000]:.2f} ms with 1,000,000"
    )
    print(f"ratio {ratio:.2f}, target {TARGET}")
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
