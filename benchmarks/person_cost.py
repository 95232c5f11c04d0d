"""Time to find one person's emails in a small and in a large table.

    python benchmarks/person_cost.py            on SQLite, or on an empty DATABASE_URL

Looks up a person's 20 emails among 1,000 rows and among 500,000, and prints the medians. Target: at most 5 ms, so that
the admin's page about a person loads without delay.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.mkdtemp()}/benchmark.sqlite3")

import django

django.setup()

from django.core.management import call_command
from django.db import connection

from benchmarks.figures import report
from emails import privacy
from emails.models import OutboundEmail

TARGET_MILLISECONDS = 5
ROUNDS = 200
SIZES = (1_000, 500_000)
EMAILS_PER_PERSON = 20
BATCH = 10_000


def fill(start: int, end: int) -> None:
    for first in range(start, end, BATCH):
        OutboundEmail.objects.bulk_create(
            OutboundEmail(
                id=uuid4(),
                recipients=f"person-{number // EMAILS_PER_PERSON}@example.com",
                subject="Hello",
                due_at=None,
                status="sent",
                metadata={"user_id": str(number // EMAILS_PER_PERSON)},
            )
            for number in range(first, min(first + BATCH, end))
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def look_up(number: int) -> float:
    started = time.perf_counter()
    found = len(privacy.emails_of(str(number))[:200])
    milliseconds = (time.perf_counter() - started) * 1000
    assert found == EMAILS_PER_PERSON
    return milliseconds


def main() -> int:
    call_command("migrate", verbosity=0)
    medians = {}
    for start, end in zip((0, *SIZES), SIZES, strict=False):
        fill(start, end)
        people = end // EMAILS_PER_PERSON
        medians[end] = statistics.median(look_up(number % people) for number in range(ROUNDS))
    reached = [
        report(f"one person's emails among {size:,} rows, {connection.vendor}", median, TARGET_MILLISECONDS, " ms")
        for size, median in medians.items()
    ]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
