"""What it costs to queue one templated mail: render, inline the CSS, insert the row. CPU time of this process.

    python benchmarks/queue_cost.py            on SQLite, or on DATABASE_URL

Prints milliseconds per mail and what the parts take. Target: at most 3 ms.
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
    """The median over ``rounds`` of the CPU time of one call."""
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
            kind="welcome", to=f"person-{number}@example.com", context=CONTEXT,
            idempotency_key=f"benchmark:{time.monotonic_ns()}:{number}", metadata={"user_id": str(number)},
        )  # fmt: skip


def main() -> int:
    call_command("migrate", verbosity=0)
    whole = milliseconds_cpu(queue)
    rendering = milliseconds_cpu(lambda _: render_email("welcome", CONTEXT))
    OutboundEmail.objects.filter(idempotency_key__startswith="benchmark:").delete()
    print(f"rendering alone: {rendering:.2f} ms CPU")
    return 0 if report("CPU for queueing one templated email", whole, TARGET_MS, " ms") else 1


if __name__ == "__main__":
    sys.exit(main())
