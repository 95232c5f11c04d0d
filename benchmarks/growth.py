"""Times of what staff, monitoring, and workers do in large tables. Needs PostgreSQL.

    python benchmarks/growth.py [--rows 1000000]          about three minutes
    python benchmarks/growth.py --rows 10000000           also compares with 1,000,000; about 20 minutes and 20 GB

Every figure is the median time of whole requests of a member of staff: the list of messages, each filter, each search,
one message, the lists of events and attempts, a user's page with the timeline, the dashboard, and /readyz. Target: at
most 150 ms each. With more than 1,000,000 rows, finding an address, claiming, and the timeline may take at most 1.5
times as long as with 1,000,000.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.figures import report
from benchmarks.large_tables import fill, print_sizes
from tests.support.stack import POSTGRES, temporary_database

TARGET_MILLISECONDS = 150
TARGET_RATIO = 1.5
BASE = 1_000_000  # rows
ROUNDS = 9
MESSAGES = "/admin/emails/outboundemail/"
EVENTS = "/admin/emails/deliveryevent/"
ATTEMPTS = "/admin/emails/deliveryattempt/"

Requests = dict[str, Callable[[int], str]]


def filters_of(admin: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the query string of every choice of every filter that the list offers."""
    from django.test import RequestFactory

    request = RequestFactory().get(path)
    request.user = staff()
    changes = admin.get_changelist_instance(request)
    for spec in changes.filter_specs:
        for choice in spec.choices(changes):
            if not choice["selected"]:
                yield f"{spec.title} {choice['display']}", str(choice["query_string"])


def staff() -> Any:
    from accounts.models import User

    return User.objects.get(is_superuser=True)


def requests(rows: int) -> Requests:
    """Return the paths to measure, by name. Each function gets the number of the round."""
    from django.contrib import admin

    from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail

    def email(number: int) -> Any:
        return OutboundEmail.objects.get(idempotency_key=f"benchmark:{2 * (rows // 40 * (number + 1) // 2)}")

    paths: Requests = {"the list": lambda _: MESSAGES, "its tenth page": lambda _: f"{MESSAGES}?p=10"}
    for model, path in ((OutboundEmail, MESSAGES), (DeliveryEvent, EVENTS), (DeliveryAttempt, ATTEMPTS)):
        paths[f"{path}, no filter"] = lambda _, path=path: path
        for name, query in filters_of(admin.site._registry[model], path):
            paths[f"{path.split('/')[3]} filter {name}"] = lambda _, url=path + query: url
    return paths | {
        "two filters": lambda _: f"{MESSAGES}?kind=receipt&status__exact=failed",
        "two filters without a match": lambda _: f"{MESSAGES}?kind=welcome&reason__exact=gave_up",
        "search by address": lambda n: f"{MESSAGES}?q=person-{rows // 100 * (n + 1) // 2}@example.com",
        "search by address in capitals": lambda n: f"{MESSAGES}?q=PERSON-{n + 5000}@Example.com",
        "search by address in Cc": lambda n: f"{MESSAGES}?q=team-{n + 100}@example.com",
        "search by address in a fiftieth of all": lambda _: f"{MESSAGES}?q=copy@example.org",
        "search by unknown address": lambda n: f"{MESSAGES}?q=nobody-{n}@example.com",
        "search by domain": lambda _: f"{MESSAGES}?q=example.com",
        "search by subject": lambda n: f"{MESSAGES}?q=no.+{n + 3000}",
        "search by address and subject": lambda n: f"{MESSAGES}?q=person-{n + 500}@example.com+receipt",
        "search by ID": lambda n: f"{MESSAGES}?q={email(n).pk}",
        "search by idempotency key": lambda n: f"{MESSAGES}?q=benchmark:{n * 1000}",
        "search by provider message ID": lambda n: f"{MESSAGES}?q={email(n).provider_message_id}",
        "search by address with a filter": lambda n: f"{MESSAGES}?q=person-{n + 500}@example.com&status__exact=failed",
        "one message": lambda n: f"{MESSAGES}{email(n).pk}/change/",
        "a due message": lambda _: f"{MESSAGES}{OutboundEmail.objects.filter(status='queued')[50].pk}/change/",
        "events of an address": lambda n: f"{EVENTS}?q=person-{n + 7000}@example.com",
        "events of a message": lambda n: f"{EVENTS}?q={email(n).pk}",
        "attempts of a message": lambda n: f"{ATTEMPTS}?q={email(n).pk}",
        "the timeline": lambda _: f"/admin/accounts/user/{customer().pk}/change/",
        "the dashboard": lambda _: "/dashboard",
        "/readyz": lambda _: "/readyz",
    }


def customer() -> Any:
    from accounts.models import User

    return User.objects.get(email="customer@example.com")


def prepare() -> None:
    """Migrate, and create a member of staff and a customer with 300 messages. One in ten failed."""
    from django.core.management import call_command

    from accounts.models import User
    from emails.models import OutboundEmail, ProviderState

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("staff@example.com", "correct horse battery")
    person = User.objects.create_user("customer@example.com", "correct horse battery")
    OutboundEmail.objects.bulk_create(
        OutboundEmail(
            kind="receipt",
            status="delivered" if number % 10 else "failed",
            reason="" if number % 10 else "refused",
            recipients=person.email,
            metadata={"user_id": str(person.pk)},
            due_at=None,
        )
        for number in range(300)
    )
    ProviderState.objects.bulk_create([ProviderState(name="resend"), ProviderState(name="sendgrid")])


def claim(_: int) -> None:
    """Claim ten messages and release them."""
    from common.db import database_now
    from emails.models import OutboundEmail, Status

    now = database_now()
    rows = OutboundEmail.objects.claim(limit=10, now=now, lease=timedelta(seconds=60), status=Status.SENDING)
    assert len(rows) == 10
    OutboundEmail.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now, lease_token=None, status="queued")


def measure(rows: int) -> dict[str, float]:
    """Return the median milliseconds of each request and of a claim."""
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(staff())

    def get(path: str) -> None:
        response = client.get(path)
        assert response.status_code == 200, (path, response.status_code)

    medians = {}
    for name, path_of in requests(rows).items():
        paths = [path_of(number) for number in range(ROUNDS + 1)]
        medians[name] = median_of([lambda path=path: get(path) for path in paths])
    medians["claiming 10 messages"] = median_of([lambda number=number: claim(number) for number in range(30)])
    return medians


def median_of(actions: list[Callable[[], None]]) -> float:
    times = []
    for action in actions:
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[1:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=BASE)
    rows = parser.parse_args().rows
    sizes = [BASE, rows] if rows > BASE else [rows]
    with temporary_database() as database:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "settings.test", "DATABASE_URL": f"{POSTGRES}/{database}"}
        import django

        django.setup()
        prepare()
        medians = {}
        for start, size in zip([0, *sizes], sizes, strict=False):
            started = time.monotonic()
            fill(start + 1, size, oldest=rows)
            print(f"loaded {size:,} messages in {time.monotonic() - started:.0f} s")
            print_sizes()
            medians[size] = measure(size)
        django.db.connection.close()
    reached = [
        report(f"{name}, {size:,} messages", median, TARGET_MILLISECONDS, " ms")
        for size, figures in medians.items()
        for name, median in figures.items()
    ]
    if rows > BASE:
        reached += [
            report(f"{name}: {rows:,} / {BASE:,} messages", medians[rows][name] / medians[BASE][name], TARGET_RATIO)
            for name in medians[BASE]
            if name.startswith(("search by address", "claiming", "the timeline"))
        ]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
