"""What /metrics costs: a scrape of a large database, and what counting adds to sign-ups and events. Needs PostgreSQL.

    python benchmarks/metrics_cost.py [--rows 1000000]

A scrape must take at most 50 ms with 1,000,000 messages, with few and with 100,000 emails that wait. The CPU time of a
sign-up and of an event must stay within 3% of what it was without counting. Requests with and without counting take
turns in one run. The task that adds up the totals later has a share per email or event, and a fixed cost every 15
seconds.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.figures import report
from benchmarks.large_tables import fill, print_sizes
from tests.support.stack import POSTGRES, temporary_database

SCRAPE_MS = 50
RATIO = 1.03
SCRAPES = 15
ROUNDS = 21
ACTIONS = 1200
TASK_EVERY_SECONDS = 15
TASK_SHARE = 0.005  # of a core
TOKEN = "0123456789abcdef" * 2

numbers = count(1)


def scrape_milliseconds() -> float:
    from django.test import Client

    client, times = Client(SERVER_NAME="localhost"), []
    for _ in range(SCRAPES + 1):
        started = time.perf_counter()
        response = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        times.append((time.perf_counter() - started) * 1000)
        assert response.status_code == 200
        assert b'metrics_source_failed{source="outbox"} 0.0' in response.content
    print(f"{len(response.content) / 1000:.0f} kB")
    return statistics.median(times[1:])


def queue_more(emails: int) -> None:
    """Make emails wait that were sent before."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE emails_outboundemail SET status = 'queued', due_at = now(), settled_at = NULL, sent_at = NULL, "
            "priority = mod(hashtext(id::text), 3) & 1 WHERE id IN "
            "(SELECT id FROM emails_outboundemail WHERE due_at IS NULL LIMIT %s)",
            [emails],
        )


class NoCounter:
    """Takes the place of a counter. A mock would cost more than the counter does."""

    def labels(self, *_: str) -> "NoCounter":
        return self

    def inc(self) -> None:
        pass


@contextmanager
def no_counting() -> Iterator[None]:
    from common import webhooks

    with patch.object(webhooks, "RESPONSES", NoCounter()):
        yield


def sign_up(handler: Any) -> None:
    from django.test import RequestFactory

    number = next(numbers)
    client = RequestFactory(SERVER_NAME="localhost", REMOTE_ADDR=str(ip_address(0x7F000001 + number)))
    body = {"email": f"person-{number}@example.net", "name": "Ada", "password": "correct horse battery"}
    request = client.post("/api/accounts/signup/", body, "application/json")
    response = handler(request.environ, lambda *_: None)
    assert response.status_code == 201, response.content


def receive(handler: Any) -> None:
    from django.test import RequestFactory

    from emails.tests.support.signed_events import WEBHOOK_SENDERS

    sender = WEBHOOK_SENDERS["resend"]()
    body = json.dumps(sender.event("email.delivered", message=f"unknown-{next(numbers)}")).encode()
    headers = sender.sign(body, str(int(time.time())))
    request = RequestFactory(SERVER_NAME="localhost").post(
        "/emails/webhooks/resend", body, content_type="application/json", headers=headers
    )
    assert handler(request.environ, lambda *_: None).status_code == 200


def ratio_of(action: Callable[[Any], None]) -> float:
    """Return the cost of an action with everything that counts it, as a multiple of its cost without."""
    from django.core.handlers.wsgi import WSGIHandler

    handler = WSGIHandler()
    costs: dict[bool, list[float]] = {True: [], False: []}
    for number in range(ACTIONS):
        is_counting = number % 4 in (1, 2)  # without, with, with, without, so that a trend affects both alike
        with nullcontext() if is_counting else no_counting():
            started = time.process_time()
            action(handler)
            costs[is_counting].append(time.process_time() - started)
    alone, counted = statistics.median(costs[False]), statistics.median(costs[True])
    later = counting_seconds() / ACTIONS
    print(f"{alone * 1000:.2f} ms CPU without counting; {later * 1000:.4f} ms later, in the task")
    return (counted + later) / alone


def counting_seconds() -> float:
    """Return the time of counting everything that arrived, the fixed cost excepted."""
    from django.db.models import F

    from emails.models import OutboundEmail
    from operations.models import Counted

    OutboundEmail.objects.filter(due_at__isnull=False).update(
        status="sent", sent_at=F("created_at"), settled_at=F("created_at"), due_at=None, provider="resend"
    )
    time.sleep(6)  # counting stays behind
    Counted.objects.update(until=F("until") - timedelta(minutes=30))
    return max(0.0, task_seconds() - task_seconds())


def task_seconds() -> float:
    from operations.metrics import counting

    started = time.perf_counter()
    counting.count_all()
    return time.perf_counter() - started


def configure() -> None:
    from django.conf import settings

    from emails.tests.support.signed_events import RESEND_SECRET

    settings.METRICS_TOKEN = TOKEN
    settings.EMAIL_PROVIDER = "resend"
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.RESEND_WEBHOOK_SECRETS = [RESEND_SECRET]


def measure(rows: int) -> list[bool]:
    from django.core.management import call_command
    from django.db import connection

    from common.db import database_now
    from operations.models import Counted

    call_command("migrate", verbosity=0)
    connection.settings_dict["CONN_MAX_AGE"] = 60  # as in production
    configure()
    task_seconds()
    started = time.process_time()
    for _ in range(ROUNDS):
        task_seconds()
    share = (time.process_time() - started) / ROUNDS / TASK_EVERY_SECONDS
    reached = [
        report("CPU of counting if nothing happened, share of a core", share, TASK_SHARE),
        report("CPU of a sign-up, with / without counting", ratio_of(sign_up), RATIO),
        report("CPU of an event, with / without counting", ratio_of(receive), RATIO),
    ]
    fill(1, rows)
    print_sizes()
    reached.append(report(f"/metrics with {rows:,} messages", scrape_milliseconds(), SCRAPE_MS, " ms"))
    queue_more(100_000)
    reached.append(report("/metrics with 100,000 more that wait", scrape_milliseconds(), SCRAPE_MS, " ms"))
    Counted.objects.update(until=database_now() - timedelta(hours=1, minutes=3))
    reached.append(report("counting an hour's 1,400 emails", task_seconds() * 1000, 500, " ms"))
    connection.close()
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with temporary_database() as database:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "settings.test", "DATABASE_URL": f"{POSTGRES}/{database}"}
        import django

        django.setup()
        reached = measure(rows)
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
