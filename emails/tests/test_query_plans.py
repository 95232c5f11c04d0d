"""No query on a queue scans or sorts a table, however old the database's statistics are."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now

from common.db import database_now
from emails import contacts, privacy
from emails.backends.outbox import row_from
from emails.delivery import breaker, polling
from emails.models import OutboundEmail, Priority, Status
from emails.tests.support.clock import travel
from emails.tests.support.messages import mail
from emails.tests.support.query_plans import BAD_STEPS, Plan, recorded_plans

STATISTICS = ["none", "an empty table", "settled rows", "due rows", "all rows"]
SETTLED, DUE = 200, 20
MINUTE = timedelta(minutes=1)


def analyze() -> None:
    connection.cursor().execute("ANALYZE")


def insert(count: int) -> None:
    """Queue that many emails of each priority."""
    rows = [row_from(mail(to=[f"person-{number}@example.com"])) for number in range(count * len(Priority))]
    for number, row in enumerate(rows):
        row.priority = Priority(number % len(Priority))
    OutboundEmail.objects.bulk_create(rows)


@pytest.fixture(params=STATISTICS)
def statistics_of(request, db, outbox) -> None:
    """Create many settled rows and some due ones, with statistics from one moment of it, or with none at all."""

    def now_are(rows: str) -> None:
        if request.param == rows:
            analyze()

    now_are("an empty table")
    insert(SETTLED)
    now_are("due rows")
    OutboundEmail.objects.update(status=Status.SENT, due_at=None, settled_at=Now())
    now_are("settled rows")
    insert(DUE)
    now_are("all rows")


def some(count: int = 5, **conditions: object) -> list[UUID]:
    return list(OutboundEmail.objects.filter(due_at__isnull=False, **conditions).values_list("pk", flat=True)[:count])


def change(keys: list[UUID], **changes: object) -> None:
    OutboundEmail.objects.filter(pk__in=keys).update(**changes)


def make_work_of_every_kind(provider_api, deliver: Callable[[], int]) -> None:
    """Leave due, isolated, stalled, backed-off, and unknown work, lookups, erasures, and contact changes."""
    provider_api.faults = ["timeout-after", "500", "503", "400"]
    deliver_some(deliver)
    now = database_now()
    change(some(isolated=False), isolated=True)
    OutboundEmail.objects.claim(limit=5, now=now - MINUTE, lease=MINUTE / 2, status=Status.SENDING)
    change(some(), failures=1, first_failed_at=now, due_at=now + MINUTE)
    for address in ("ada@example.com", "bob@example.com"):
        contacts.subscribe(address, tags=["new"])
        contacts.add_tag(address, "customer")
    sent = OutboundEmail.objects.filter(status=Status.SENT).values_list("pk", flat=True)
    change([*sent[:10]], to_be_erased=True)
    change([*sent[10:20]], lookup_at=now)


def deliver_some(deliver: Callable[[], int]) -> None:
    """Deliver only a few emails, and let the others wait in the meantime."""
    waiting = some(1000)
    held_back = waiting[20:]
    change(held_back, due_at=database_now() + MINUTE)
    deliver()
    change(held_back, due_at=database_now())


@pytest.fixture
def plans(statistics_of, provider_api, use_provider, settings, deliver) -> Callable[[str], list[Plan]]:
    """Provide a function that returns the plan of every query on a queue that delivery through a provider makes."""

    def plans(provider: str) -> list[Plan]:
        use_provider(provider)
        settings.CONTACTS_SYNC = True
        settings.EMAIL_UNKNOWN_WAIT_SECONDS = 0
        make_work_of_every_kind(provider_api, deliver)
        with recorded_plans() as first:
            deliver()
            privacy.erase_settled()
            polling.look_up_silent_emails()
            breaker.release_waiting(database_now())
        travel(MINUTE)
        with recorded_plans() as second:
            deliver()
        return first + second

    return plans


def check(plans: list[Plan]) -> None:
    bad = {plan.query: str(plan) for plan in plans if BAD_STEPS.search(plan.steps)}
    assert not bad, "\n".join(bad.values())
    assert len({plan.query for plan in plans}) > 20


def test_no_query_on_a_queue_scans_or_sorts(plans):
    check(plans("sequenzy"))


@pytest.mark.parametrize("provider", ["resend", "sendgrid"])
@pytest.mark.parametrize("statistics_of", ["settled rows"], indirect=True)
def test_no_query_of_another_provider_scans_or_sorts(plans, provider):
    check(plans(provider))


@pytest.mark.parametrize("statistics_of", ["none", "settled rows"], indirect=True)
def test_updates_by_key_use_the_key(plans):
    """With old statistics, an index of rows in progress looks emptier than the primary key's."""
    updates = [plan for plan in plans("resend") if plan.query.startswith("UPDATE") and '"id" IN (%s' in plan.query]
    assert updates
    others = [str(plan) for plan in updates if "PRIMARY KEY" not in plan.steps and "_pkey" not in plan.steps]
    assert not [plan for plan in others if "sqlite_autoindex" not in plan]
