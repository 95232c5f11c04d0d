"""CPU time to queue one templated email: render it, inline its CSS, and insert the row.

    python benchmarks/queue_cost.py            on SQLite, or on DATABASE_URL

Prints the milliseconds per email, and the share of rendering. Target: at most 3 ms. The same email is also queued with
Django's own rendering, which ignores missing variables, and without the checks of its addresses. Both take turns in one
run. Target: our own way costs at most 1.15 times as much.
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

from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command
from django.db import transaction
from django.template.loader import render_to_string

from benchmarks.figures import report
from emails.models import OutboundEmail
from emails.rendering import one_line, render_email, shared_context, with_inline_styles, without_gaps
from emails.services import send_templated_email

TARGET_MS = 3.0
TARGET_RATIO = 1.15
ROUNDS = 41  # a short round is rarely disturbed, and the median ignores those that are
EMAILS_PER_ROUND = 25
CONTEXT = {
    "name": "Ada Lovelace",
    "dashboard_url": "https://app.example.com/dashboard",
    "confirm_url": "https://app.example.com/v?token=x",
}

Action = Callable[[int], object]


def milliseconds_cpu(*actions: Action) -> list[list[float]]:
    """Return the CPU time of one call in each round, for each action. The actions take turns."""
    results: list[list[float]] = [[] for _ in actions]
    for round_number in range(ROUNDS):
        for action, times in zip(actions, results, strict=True):
            started = time.process_time()
            for number in range(EMAILS_PER_ROUND):
                action(round_number * EMAILS_PER_ROUND + number)
            times.append((time.process_time() - started) / EMAILS_PER_ROUND * 1000)
    return results


def attributes(number: int) -> dict[str, object]:
    return {
        "idempotency_key": f"benchmark:{time.monotonic_ns()}:{number}",
        "metadata": {"user_id": str(number)},
    }


def queue(number: int) -> None:
    with transaction.atomic():
        send_templated_email(kind="welcome", to=f"person-{number}@example.com", context=CONTEXT, **attributes(number))


def queue_with_gaps(number: int) -> None:
    """Queue the same email as Django renders it."""
    context = {**shared_context(), **CONTEXT}
    with transaction.atomic():
        subject = one_line(render_to_string("emails/welcome/subject.txt", context, using="text"))
        context["subject"] = subject
        text = without_gaps(render_to_string("emails/welcome/body.txt", context, using="text"))
        html = with_inline_styles(render_to_string("emails/welcome/body.html", context))
        message = EmailMultiAlternatives(subject, text, to=[f"person-{number}@example.com"])
        message.attach_alternative(html, "text/html")
        vars(message).update(kind="welcome", expires_at=None, sensitive=False, tags=(), **attributes(number))
        message.send()


def main() -> int:
    call_command("migrate", verbosity=0)
    strict, lenient, rendering = milliseconds_cpu(queue, queue_with_gaps, lambda _: render_email("welcome", CONTEXT))
    OutboundEmail.objects.filter(idempotency_key__startswith="benchmark:").delete()
    print(f"rendering alone: {statistics.median(rendering):.2f} ms CPU")
    ratio = statistics.median(ours / others for ours, others in zip(strict, lenient, strict=True))
    is_fast = report("CPU to queue one templated email", statistics.median(strict), TARGET_MS, " ms")
    is_close = report("CPU to queue it, compared with Django's rendering", ratio, TARGET_RATIO, " ×")
    return 0 if is_fast and is_close else 1


if __name__ == "__main__":
    sys.exit(main())
