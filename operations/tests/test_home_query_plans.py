"""No query of the home page, of the search, or of the counts scans a large table."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from billing.models import Customer, Payment, StripeEvent
from emails.models import DeliveryEvent, OutboundEmail
from emails.tests.support.query_plans import recorded_plans
from operations.rollups.emails import count_emails
from operations.rollups.money import count_money

ROWS = 300
LARGE = (
    "emails_outboundemail",
    "emails_deliveryevent",
    "emails_deliveryattempt",
    "accounts_user",
    "billing_customer",
    "billing_payment",
    "billing_subscription",
    "billing_stripeevent",
    "billing_checkout",
    "billing_invoicepayment",
)
# SQLite's index of emails with several recipients is a copy of the column, which is scanned.
SCAN = re.compile(r"Seq Scan on (\w+)|SCAN (\w+)(?!.* USING )")
SEARCHES = [
    "ada@example.com",
    "Ada Love",
    "person-1",
    "cus_1",
    "receipt:in_1",
    "12",
    str(uuid4()),
    "https://dashboard.stripe.com/payments/pi_1",
]


@pytest.fixture
def rows(db) -> None:
    now = timezone.now()
    User.objects.bulk_create(User(email=f"person-{number}@example.com", name="Person") for number in range(ROWS))
    OutboundEmail.objects.bulk_create(
        OutboundEmail(recipients=f"person-{number}@example.com", status="delivered", due_at=None, settled_at=now)
        for number in range(ROWS)
    )
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(provider="resend", fingerprint=str(number), type="delivered", occurred_at=now)
        for number in range(ROWS)
    )
    Customer.objects.bulk_create(Customer(pk=f"cus_{number}", email=f"c{number}@x.io") for number in range(ROWS))
    Payment.objects.bulk_create(
        Payment(stripe_id=f"in_{number}", amount=1, currency="usd", status="paid", paid_at=now)
        for number in range(ROWS)
    )
    StripeEvent.objects.bulk_create(
        StripeEvent(pk=f"evt_{number}", livemode=False, created_at=now, status="processed") for number in range(ROWS)
    )


@pytest.fixture(autouse=True)
def without_scans(rows):
    """On PostgreSQL, a small table is scanned even if it has the index. So it plans as if scans were expensive."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET enable_seqscan = off")
        with connection.execute_wrapper(keep_settings):
            yield
        cursor.execute("RESET ALL")


def keep_settings(execute, sql, params, many, context):
    return None if sql.startswith("RESET enable_seqscan") else execute(sql, params, many, context)


def scans(plans) -> list[str]:
    # The 10,000th newest person is found by walking along the primary key.
    others = [plan for plan in plans if "OFFSET 9999" not in plan.query]
    return [str(plan) for plan in others if any({*match} & {*LARGE} for match in SCAN.findall(plan.steps))]


def test_home_page_scans_no_large_table(root):
    with recorded_plans(LARGE) as plans:
        root.get("/admin/")
    assert len(plans) > 20
    assert scans(plans) == []


@pytest.mark.parametrize("text", SEARCHES, ids=range(len(SEARCHES)))
def test_search_scans_no_large_table(root, text):
    with recorded_plans(LARGE) as plans:
        root.get("/admin/search/", {"q": text})
    assert len(plans) > 5
    assert scans(plans) == []


def test_counts_scan_no_large_table():
    count_emails()
    with recorded_plans(LARGE) as plans:
        count_emails()
        count_money()
    assert plans
    assert scans(plans) == []
