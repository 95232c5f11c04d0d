"""Times of what staff and customers see about one person, among 1,000,000 messages and 100,000 people.

    python benchmarks/person_page.py [--rows 1000000] [--messages 5000]     about two minutes; needs PostgreSQL

The person has 5,000 messages, a tenth of which failed, and years of payments, logins, and staff actions. Every figure
is the median time of whole requests: the person's page in the admin with each filter, its oldest part, a page full of
messages that failed, the devices, the form for an email, and what the person sees. Target: at most 150 ms each.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.figures import report
from benchmarks.large_tables import fill
from tests.support.stack import POSTGRES, temporary_database

TARGET_MILLISECONDS = 150
ROUNDS = 9
PEOPLE = 100_000
PERSON = "person@example.org"

USERS = """
INSERT INTO accounts_user (password, is_superuser, email, name, language, date_joined, is_active, is_staff,
    session_generation, email_verified_at)
SELECT '!', false, 'person-' || n || '@example.com', 'Person', 'en', now() - n * interval '1 minute', true, false, 0,
    now()
FROM generate_series(1, %s) AS n
"""
LOG = """
INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id, object_repr, action_flag,
    change_message)
SELECT now() - n * interval '1 minute', %(staff)s, %(type)s, (n %% 50000)::text, 'person', 2, 'Changed.'
FROM generate_series(1, 100000) AS n
"""


def prepare(messages: int) -> None:
    from django.contrib.contenttypes.models import ContentType
    from django.db import connection

    from accounts.models import User

    staff = User.objects.create_superuser("staff@example.org", "correct horse battery")
    person = User.objects.create_user(PERSON, "correct horse battery")
    with connection.cursor() as cursor:
        cursor.execute(USERS, [PEOPLE])
        cursor.execute(LOG, {"staff": staff.pk, "type": ContentType.objects.get_for_model(User).pk})
    add_messages(person, messages)
    add_money(person)
    add_logins(person)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def add_messages(person: Any, count: int) -> None:
    """Store messages of the last month, of which one in ten failed, and then a page full of those that failed."""
    from django.utils import timezone

    from emails.backends.outbox import row_from
    from emails.models import OutboundEmail
    from emails.tests.support.messages import mail

    message, now = mail(to=[person.email]), timezone.now()
    message.attach_alternative("<p>Thank you for your payment.</p>" * 20, "text/html")
    content = row_from(message).content
    OutboundEmail.objects.bulk_create(
        OutboundEmail(
            kind="receipt",
            subject=f"Receipt {number}",
            status="failed" if number < 40 or number % 10 == 0 else "delivered",
            reason="refused" if number < 40 or number % 10 == 0 else "",
            recipients=person.email,
            metadata={"user_id": str(person.pk)},
            content=content,
            created_at=now - timezone.timedelta(minutes=8 * number),
            due_at=None,
            settled_at=now,
        )
        for number in range(count)
    )


def add_money(person: Any) -> None:
    """Store ten years of monthly payments with a refund each, and three months of Stripe's events."""
    from django.utils import timezone

    from billing.models import Customer, Payment, RefundedCharge, StripeEvent, Subscription

    now = timezone.now()
    customer = Customer.objects.create(pk="cus_1", user=person)
    Subscription.objects.create(pk="sub_1", customer=customer, status="active", version=f"{int(now.timestamp())}.x")
    for number in range(120):
        name = f"in_{number}"
        at = now - timezone.timedelta(days=30 * number)
        Payment.objects.create(
            stripe_id=name,
            customer=customer,
            user=person,
            status="paid",
            amount=2900,
            currency="usd",
            paid_at=at,
            charge=f"ch_{number}",
        )
        refund = {f"re_{number}": {"amount": 100, "status": "succeeded", "version": f"{int(at.timestamp())}.x"}}
        RefundedCharge.objects.create(
            pk=f"ch_{number}", charge=f"ch_{number}", currency="usd", amount=100, refunds=refund
        )
        StripeEvent.objects.create(
            pk=f"evt_{number}",
            type="invoice.paid",
            livemode=False,
            customer_id="cus_1",
            object_id=name,
            body="{}",
            created_at=at,
            status="processed",
        )


def add_logins(person: Any) -> None:
    from django.utils import timezone

    from accounts.models import Login

    now = timezone.now()
    Login.objects.bulk_create(
        Login(user=person, at=now - timezone.timedelta(hours=number), client_address="203.0.113.7")
        for number in range(2_000)
    )


def paths() -> dict[str, tuple[str, str]]:
    """Return who opens which path, by name."""
    from django.utils import timezone

    from accounts.models import User
    from emails.models import OutboundEmail

    person = User.objects.get(email=PERSON)
    page = f"/admin/accounts/user/{person.pk}"
    oldest = (timezone.now() - timezone.timedelta(days=20)).isoformat().replace("+", "%2B")
    email = OutboundEmail.objects.filter(person=str(person.pk)).order_by("created_at")[0]
    filters = {f"the timeline, only {name}": f"{page}/change/?show={name}" for name in CATEGORIES}
    by_staff = {
        "the person's page, 40 failed messages": f"{page}/change/",
        **filters,
        "an old part of the timeline": f"{page}/change/?until={oldest}&skip=0",
        "the person's devices": f"{page}/devices/",
        "the form for an email": f"{page}/email/",
    }
    by_person = {
        "the person's dashboard": "/dashboard",
        "their emails": "/emails",
        "the last page of their emails": "/emails?page=200",
        "one of their emails": f"/emails/{email.pk}",
        "its HTML": f"/emails/{email.pk}/html",
    }
    return {name: ("staff@example.org", path) for name, path in by_staff.items()} | {
        name: (PERSON, path) for name, path in by_person.items()
    }


CATEGORIES = ("email", "money", "logins", "staff", "events")


def measure() -> list[bool]:
    """Report the median milliseconds of each request, and return which reach the target."""
    from django.test import Client

    from accounts.models import User

    clients: dict[str, Any] = {}
    reached = []
    for name, (who, path) in paths().items():
        if who not in clients:
            clients[who] = Client(SERVER_NAME="localhost")
            clients[who].force_login(User.objects.get(email=who))
        times = []
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            response = clients[who].get(path)
            times.append((time.perf_counter() - started) * 1000)
            assert response.status_code == 200, (path, response.status_code)
        reached.append(report(name, statistics.median(times[1:]), TARGET_MILLISECONDS, " ms"))
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=5_000)
    arguments = parser.parse_args()
    with temporary_database() as database:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "settings.test", "DATABASE_URL": f"{POSTGRES}/{database}"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        fill(1, arguments.rows, tables=["emails_outboundemail"])
        prepare(arguments.messages)
        reached = measure()
        django.db.connection.close()
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
