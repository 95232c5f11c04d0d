"""/metrics and the counting of totals read only the rows that they need, however old the statistics are."""

import re
from datetime import timedelta

import pytest
from django.db import connection

from billing.models import StripeEvent
from common.db import database_now, no_table_scans
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Status
from emails.tests.support.query_plans import BAD_STEPS, recorded_plans
from operations.metrics import counting, outbox, states

TABLES = ("outboundemail", "deliveryattempt", "deliveryevent", "stripeevent")
SCANS = re.compile(r"Seq Scan|SCAN (?!CONSTANT ROW|.*USING)")
LIMITED = re.compile(r"SCAN \(?subquery.*")  # SQLite counts the rows that a subquery with a limit found
ROWS = 200


@pytest.fixture(params=["none", "an empty table", "all rows"])
def statistics_of(request, queue_emails) -> None:
    """Create settled and due rows, with statistics from one moment of it, or with none at all."""
    if request.param == "an empty table":
        connection.cursor().execute("ANALYZE")
    [email] = queue_emails(1)
    now = database_now()
    settled = {"status": Status.SENT, "sent_at": now, "settled_at": now, "due_at": None, "provider": "resend"}
    copies = [{"recipients": f"person-{n}@example.com", "content": email.content} for n in range(ROWS + 20)]
    OutboundEmail.objects.bulk_create(OutboundEmail(**copy, **settled) for copy in copies[:ROWS])
    OutboundEmail.objects.bulk_create(OutboundEmail(**copy) for copy in copies[ROWS:])
    DeliveryAttempt.objects.bulk_create(DeliveryAttempt(provider="resend", settled_at=now) for _ in range(ROWS))
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(provider="resend", fingerprint=str(number), type="delivered", occurred_at=now)
        for number in range(ROWS)
    )
    StripeEvent.objects.bulk_create(
        StripeEvent(id=f"evt_{number}", type="x", livemode=False, body="{}", created_at=now) for number in range(ROWS)
    )
    if request.param == "all rows":
        connection.cursor().execute("ANALYZE")


def test_scrape_walks_along_indexes(statistics_of):
    with recorded_plans(TABLES) as plans:
        assert [*outbox.waiting_emails(), *states.stripe_events()]
    assert len(plans) > 5
    assert [str(plan) for plan in plans if BAD_STEPS.search(LIMITED.sub("", plan.steps))] == []


def test_counting_scans_no_table(statistics_of):
    with recorded_plans(TABLES) as plans, no_table_scans():
        for source in counting.SOURCES:
            source.count(database_now() - timedelta(minutes=1), database_now())
    assert len(plans) == 7
    assert [str(plan) for plan in plans if SCANS.search(plan.steps)] == []
