"""No query on the queues of billing scans or sorts a table, however old the database's statistics are."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from billing.models import Card, CleanupRequest, Customer, StripeEvent, Subscription
from billing.services import cleanup, reconciliation
from billing.tasks import keep_deadlines
from billing.webhook import backlog
from emails.tests.support.query_plans import BAD_STEPS, recorded_plans

QUEUES = ("billing_stripeevent", "billing_cleanuprequest", "billing_subscription")
SETTLED, DUE = 500, 20
Status = StripeEvent.Status
# Whether a small table is scanned for one key depends on its size. The rest has to use an index.
BY_KEY = re.compile(r'WHERE .*"(customer_id|id)" (= %s|IN \(%s)')


def insert(count: int, name: str, *, due: bool) -> None:
    """Insert events, cleanup requests, and subscriptions, due or settled. Some events wait for a customer."""
    due_at = Now() if due else None
    status = Status.RECEIVED if due else Status.PROCESSED
    events = [
        StripeEvent(
            id=f"evt_{name}_{number}",
            livemode=False,
            created_at=Now(),
            status=status,
            due_at=due_at,
            waits_for=f"cus_{number}" if number % 5 == 0 else "",
        )
        for number in range(count)
    ]
    StripeEvent.objects.bulk_create(events)
    requests = [
        CleanupRequest(action=CleanupRequest.Action.DELETE_CUSTOMER, object_id=f"cus_{name}_{number}", due_at=due_at)
        for number in range(count)
    ]
    CleanupRequest.objects.bulk_create(requests)
    Subscription.objects.bulk_create(Subscription(id=f"sub_{name}_{n}", refresh_at=due_at) for n in range(count))


def insert_deadlines(count: int, name: str, at: datetime) -> None:
    """Insert yearly subscriptions, trials, past due subscriptions, and cards, each with a deadline at this time."""
    customers = [Customer(id=f"cus_{name}_{n}", is_marked=True, email=f"{name}{n}@example.com") for n in range(count)]
    Customer.objects.bulk_create(customers)
    kinds: dict[str, dict[str, Any]] = {
        "year": {"status": "active", "has_long_period": True, "current_period_end": at},
        "trial": {"status": "trialing", "trial_end": at},
        "due": {"status": "past_due", "unpaid_since": at - timedelta(days=5)},
    }
    Subscription.objects.bulk_create(
        Subscription(id=f"sub_{kind}_{customer.pk}", customer=customer, payment_method=f"pm_{customer.pk}", **values)
        for kind, values in kinds.items()
        for customer in customers
    )
    Card.objects.bulk_create(Card(id=f"pm_{customer.pk}", customer=customer, expires_at=at) for customer in customers)


def analyze() -> None:
    connection.cursor().execute("ANALYZE")


@pytest.mark.parametrize("statistics_of", ["none", "an empty table", "settled rows", "all rows"])
def test_no_query_on_a_queue_scans_or_sorts(db, settings, statistics_of):
    if statistics_of == "an empty table":
        analyze()
    insert(SETTLED, "settled", due=False)
    if statistics_of == "settled rows":
        analyze()
    insert(DUE, "due", due=True)
    if statistics_of == "all rows":
        analyze()
    settings.STRIPE_SECRET_KEY = "sk_test_of_the_tests"
    settings.STRIPE_API_URL = "http://127.0.0.1:1"
    with recorded_plans(QUEUES) as plans:
        backlog.process_waiting("cus_0")
        backlog.sweep()
        reconciliation.find_addresses()
        reconciliation.refresh_subscriptions()
        cleanup.clean_up()
    bad = [str(plan) for plan in plans if BAD_STEPS.search(plan.steps)]
    assert not bad, "\n".join(bad)
    assert len(plans) > 5


@pytest.mark.parametrize("statistics_of", ["none", "settled rows", "all rows"])
def test_deadlines_are_found_by_an_index(db, settings, statistics_of):
    settings.STRIPE_SECRET_KEY, settings.BILLING_GRACE_DAYS = "sk_test_of_the_tests", 3
    insert_deadlines(SETTLED, "later", timezone.now() + timedelta(days=300))
    if statistics_of == "settled rows":
        analyze()
    insert_deadlines(DUE, "due", timezone.now() + timedelta(days=1))
    if statistics_of == "all rows":
        analyze()
    with recorded_plans(("billing_subscription", "billing_card", "billing_payment")) as plans:
        keep_deadlines()
    queues = [plan for plan in plans if not BY_KEY.search(plan.query)]
    bad = [str(plan) for plan in queues if BAD_STEPS.search(plan.steps)]
    assert not bad, "\n".join(bad)
    assert len(queues) == 4
