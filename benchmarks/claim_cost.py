"""Time to claim due messages in a small and in a large table. Needs PostgreSQL.

    python benchmarks/claim_cost.py [postgres://postgres@127.0.0.1:5432]

Claims 10 due rows alternately from a table with 1,000 settled rows and from one with 1,000,000, so that other load on
the machine affects both. Prints the medians and their ratio. Target: a ratio of at most 1.2, because messages that were
settled long ago must not slow down delivery.
"""

import os
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.figures import report
from tests.support.stack import POSTGRES, temporary_database

TARGET = 1.2
ROUNDS = 600
SIZES = {"small": 1_000, "large": 1_000_000}  # settled rows in the table of each schema

SETTLED = """
INSERT INTO emails_outboundemail (id, kind, status, reason, detail, recipients, subject, content, sensitive, metadata,
    created_at, due_at, isolated, crashes, failures, provider, provider_message_id, sent_at, settled_at)
SELECT gen_random_uuid(), 'welcome', 'sent', '', '', 'person-' || n || '@example.com', 'Hello', NULL, false, '{}',
    now() - n * interval '1 second', NULL, false, 0, 0, 'resend', 'id-' || n, now(), now()
FROM generate_series(1, %s) AS n
"""


def prepare() -> None:
    """Create both tables, with 100 due rows in each."""
    from django.core.mail import EmailMessage, get_connection
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    messages = [EmailMessage("Hello", "Hello", to=[f"due-{n}@example.com"]) for n in range(100)]
    for schema, settled in SIZES.items():
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {schema}")
            cursor.execute(
                f"CREATE TABLE {schema}.emails_outboundemail (LIKE public.emails_outboundemail INCLUDING ALL)"
            )
            cursor.execute(f"SET search_path TO {schema}, public")
            cursor.execute(SETTLED, [settled])
            get_connection("emails.backends.outbox.OutboxBackend").send_messages(messages)
            cursor.execute("VACUUM ANALYZE emails_outboundemail")


def claim_once(schema: str) -> float:
    """Return the milliseconds that a claim of ten rows takes. The rows are released after the measurement."""
    from django.db import connection

    from common.db import database_now
    from emails.models import OutboundEmail, Status

    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path TO {schema}, public")
    now = database_now()
    started = time.perf_counter()
    rows = OutboundEmail.objects.claim(limit=10, now=now, lease=timedelta(seconds=60), status=Status.SENDING)
    milliseconds = (time.perf_counter() - started) * 1000
    assert len(rows) == 10
    OutboundEmail.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now, lease_token=None, status="queued")
    return milliseconds


def main() -> int:
    server = sys.argv[1] if len(sys.argv) > 1 else POSTGRES
    with temporary_database() as database:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "settings.test", "DATABASE_URL": f"{server}/{database}"}
        import django

        django.setup()
        prepare()
        times: dict[str, list[float]] = {schema: [] for schema in SIZES}
        for _ in range(ROUNDS):
            for schema, measured in times.items():
                measured.append(claim_once(schema))
        django.db.connection.close()
    small, large = (statistics.median(measured) for measured in times.values())
    print(f"claiming 10 rows: {small:.2f} ms with 1,000 settled rows, {large:.2f} ms with 1,000,000")
    return 0 if report("claim with 1,000,000 / with 1,000 settled rows", large / small, TARGET) else 1


if __name__ == "__main__":
    sys.exit(main())
