"""CPU time to queue one templated email: render it, inline its CSS, and insert the row.

    python benchmarks/queue_cost.py            on SQLite, or on DATABASE_URL

Prints the milliseconds per email, and the share of rendering. Target: at most 3 ms.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.mkdtemp()}/benchmark.sqlite3")

import django

django.setup()

from django.core.management import call_command
from django.db import transaction

from benchmarks.figures import report
from emails.models import OutboundEmail
from emails.rendering import render_email
from emails.services import send_templated_email

TARGET_MS = 3.0
CONTEXT = {
    "name": "Ada Lovelace",
    "dashboard_url": "https://app.example.com/dashboard",
    "verify_url": "https://app.example.com/v?token=x",
}


def milliseconds_cpu(action: Callable[[int], object], times: int = 100, rounds: int = 7) -> float:
    """Return the CPU time of one call, as the median over ``rounds``."""
    results = []
    for round_number in range(rounds):
        started = time.process_time()
        for number in range(times):
            action(round_number * times + number)
        results.append((time.process_time() - started) / times * 1000)
    return statistics.median(results)


def queue(number: int) -> None:
    with transaction.atomic():
        send_templated_email(
            kind="welcome",
            to=f"person-{number}@example.com",
            context=CONTEXT,
            idempotency_key=f"benchmark:{time.monotonic_ns()}:{number}",
            metadata={"user_id": str(number)},
        )


def main() -> int:
    call_command("migrate", verbosity=0)
    total = milliseconds_cpu(queue)
    rendering = milliseconds_cpu(lambda _: render_email("welcome", CONTEXT))
    OutboundEmail.objects.filter(idempotency_key__startswith="benchmark:").delete()
    print(f"rendering alone: {rendering:.2f} ms CPU")
    return 0 if report("CPU to queue one templated email", total, TARGET_MS, " ms") else 1


if __name__ == "__main__":
    sys.exit(main())
