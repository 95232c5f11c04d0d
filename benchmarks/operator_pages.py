"""Times of the operator's pages with 1,000,000 messages, 100,000 people, and 300,000 payments. Needs PostgreSQL.

    python benchmarks/operator_pages.py                     about four minutes
    python benchmarks/operator_pages.py --database NAME     keeps the database, or uses it if it is filled already

Every figure is the median time of whole requests of a member of staff: the home page, a search of each kind, the lists
of people and messages, and the pages of a person and a message. Target: at most 150 ms each. The counts behind the
charts are made by a beat task, so their times are printed without a target.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.figures import report
from benchmarks.large_tables import fill, without_indexes
from tests.support.stack import POSTGRES, temporary_database

TARGET_MILLISECONDS = 150
ROUNDS = 9
MESSAGES, PEOPLE = 1_000_000, 100_000
SEARCH = "/admin/search/?q="

# Person ``n`` has the pk ``n``, which the messages of large_tables name in their metadata.
FILLS = {
    "accounts_user": """
INSERT INTO accounts_user (id, password, is_superuser, email, name, language, email_verified_at, date_joined, is_active,
    is_staff, session_generation)
SELECT n, '!', false, 'person-' || n || '@example.com', 'Person ' || md5(n::text), 'en', now(),
    now() - n * interval '5 minutes', true, false, 0
FROM generate_series(10, %(people)s) AS n
""",
    "billing_customer": """
INSERT INTO billing_customer (id, user_id, is_marked, email, name)
SELECT 'cus_' || n, CASE WHEN n %% 10 > 0 THEN n END, true, 'person-' || n || '@example.com', ''
FROM generate_series(10, %(people)s) AS n
""",
    "billing_subscription": """
INSERT INTO billing_subscription (id, customer_id, status, price_id, currency, interval, version, end_reason,
    latest_invoice, is_collection_paused, refresh_failures, unpaid_since, open_payment_id)
SELECT 'sub_' || n, 'cus_' || n, CASE WHEN n %% 50 = 0 THEN 'past_due' ELSE 'active' END, 'price_pro', 'usd', 'month',
    '00' || (1790000000 + n) || '.2.evt_1', '', '', false, 0,
    CASE WHEN n %% 50 = 0 THEN now() - n %% 20 * interval '1 day' END, CASE WHEN n %% 50 = 0 THEN 3 * n END
FROM generate_series(10, %(people)s) AS n
""",
    "billing_payment": """
INSERT INTO billing_payment (id, stripe_id, customer_id, user_id, email, subscription_id, status, amount, currency,
    description, number, invoice_url, paid_at, attempt, first_failed_at, last_failed_at, payment_intent, charge,
    created_at)
SELECT n, 'in_' || n, 'cus_' || n / 3, NULL, '', 'sub_' || n / 3, CASE WHEN n %% 150 = 0 THEN 'failed' ELSE 'paid' END,
    2900, (ARRAY['usd', 'usd', 'eur'])[1 + n %% 3], 'Pro', 'A-' || n, '',
    CASE WHEN n %% 150 > 0 THEN now() - n * interval '9 seconds' END, 0,
    CASE WHEN n %% 150 = 0 THEN now() - n * interval '9 seconds' END,
    CASE WHEN n %% 150 = 0 THEN now() - n * interval '9 seconds' END, 'pi_' || n, 'ch_' || n,
    now() - n * interval '9 seconds'
FROM generate_series(30, 3 * %(people)s) AS n
""",
    "billing_refundedcharge": """
INSERT INTO billing_refundedcharge (id, payment_intent, currency, amount, refunds, announced)
SELECT 'ch_' || n, 'pi_' || n, 'usd', 2900, jsonb_build_object('re_' || n, jsonb_build_object('amount', 2900, 'status',
    'succeeded', 'version', '00' || (extract(epoch FROM now())::bigint - n * 9) || '.2.evt_1')), '{}'
FROM generate_series(100, 3 * %(people)s, 100) AS n
""",
    "billing_stripeevent": """
INSERT INTO billing_stripeevent (id, type, api_version, livemode, account, customer_id, object_id, body, status, note,
    error, attempts, due_at, waits_for, expects_invoice, created_at, received_at)
SELECT 'evt_' || n, 'invoice.paid', '', true, '', 'cus_' || n / 3, 'in_' || n, '{}',
    CASE WHEN n %% 10000 = 0 THEN 'failed' ELSE 'processed' END, '', '', 0,
    CASE WHEN n %% 10000 = 0 THEN now() + interval '1 hour' END, '', '', now() - n * interval '9 seconds',
    now() - n * interval '9 seconds'
FROM generate_series(30, 3 * %(people)s) AS n
""",
    "billing_dispute": """
INSERT INTO billing_dispute (id, charge, payment_intent, payment_id, version, amount, currency, status, reason,
    opened_at, evidence_due_at)
SELECT 'du_' || n, 'ch_' || n, 'pi_' || n, n, n::text, 2900, 'usd',
    CASE WHEN n %% 10 = 0 THEN 'needs_response' ELSE 'lost' END, 'fraudulent', now() - n * interval '9 seconds',
    now() + interval '5 days'
FROM generate_series(1001, 3 * %(people)s, 1000) AS n
""",
}


@contextmanager
def database_named(name: str) -> Iterator[str]:
    """Yield the name of a database that stays, or of one that is dropped afterward if there is no name."""
    if not name:
        with temporary_database() as temporary:
            yield temporary
        return
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            admin.execute(f'CREATE DATABASE "{name}"')
    yield name


def prepare() -> None:
    """Migrate and fill an empty database."""
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User
    from emails.models import OutboundEmail, ProviderState, Suppression

    call_command("migrate", verbosity=0)
    if User.objects.exists():
        return
    staff = User.objects.create_superuser("staff@example.com", "correct horse battery")
    assert staff.pk < 10
    ProviderState.objects.bulk_create([ProviderState(name="resend"), ProviderState(name="sendgrid")])
    Suppression.objects.create(address="nobody-1@example.com")
    fill(1, MESSAGES)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # skips foreign keys
        with without_indexes(cursor, [*FILLS]):
            for insert in FILLS.values():
                cursor.execute(insert, {"people": PEOPLE})
        cursor.execute("SET session_replication_role = origin")
        for table in FILLS:
            cursor.execute(f"VACUUM ANALYZE {table}")
    # Guests, who have no account.
    OutboundEmail.objects.bulk_create(
        OutboundEmail(kind="receipt", status="delivered", recipients=f"guest-{number}@example.com", due_at=None)
        for number in range(100)
    )


def count() -> None:
    """Count all hours, and then only what has changed, and print how long both take."""
    from operations.models import CountedHour
    from operations.rollups.emails import count_emails
    from operations.rollups.money import count_money

    CountedHour.objects.all().delete()
    for name, round_of in {"emails": count_emails, "money": count_money}.items():
        started = time.monotonic()
        hours = round_of()
        seconds = time.monotonic() - started
        started = time.monotonic()
        round_of()
        print(f"counting {name}: {hours} hours in {seconds:.1f} s, then a round in {time.monotonic() - started:.2f} s")


def requests() -> dict[str, Callable[[int], str]]:
    """Return the paths to measure, by name. Each function gets the number of the round."""
    from emails.models import OutboundEmail

    def email(number: int) -> Any:
        return OutboundEmail.objects.get(idempotency_key=f"benchmark:{50_000 + 1_000 * number}")

    return {
        "home page": lambda _: "/admin/",
        "search for a person by address": lambda n: f"{SEARCH}person-{500 + n}@example.com",
        "search for a person by part of a name": lambda n: f"{SEARCH}Person+{n:x}",
        "search for a person by the beginning of an address": lambda n: f"{SEARCH}person-{77 + n}",
        "search for a name that nobody has": lambda n: f"{SEARCH}Zoltan-{n}",
        "search for an address without an account": lambda n: f"{SEARCH}guest-{n}@example.com",
        "search for an unknown address": lambda n: f"{SEARCH}nobody-{n}@example.com",
        "search for an address that is in a fiftieth of all messages": lambda _: f"{SEARCH}copy@example.org",
        "search for a user's pk": lambda n: f"{SEARCH}{600 + n}",
        "search for a message ID": lambda n: f"{SEARCH}{email(n).pk}",
        "search for a provider message ID": lambda n: f"{SEARCH}{email(n).provider_message_id}x",
        "search for an idempotency key": lambda n: f"{SEARCH}benchmark:{2_000 * (n + 1)}",
        "search for a customer": lambda n: f"{SEARCH}cus_{700 + n}",
        "search for a subscription": lambda n: f"{SEARCH}sub_{700 + n}",
        "search for an invoice": lambda n: f"{SEARCH}in_{900 + n}",
        "search for a payment intent": lambda n: f"{SEARCH}pi_{900 + n}",
        "search for a charge": lambda n: f"{SEARCH}ch_{900 + n}",
        "search for an event": lambda n: f"{SEARCH}evt_{900 + n}",
        "search for a dispute": lambda n: f"{SEARCH}du_{1001 + 1000 * n}",
        "search for an object that only events name": lambda n: f"{SEARCH}re_{n}",
        "search for 10 kB": lambda n: f"{SEARCH}{'x' * 10_000}{n}",
        "search for 100 words": lambda n: f"{SEARCH}{'+'.join(f'word{n}{word}' for word in range(100))}",
        "search for a pasted URL": lambda n: f"{SEARCH}https://dashboard.stripe.com/payments/pi_{900 + n}",
        "the list of people": lambda _: "/admin/accounts/user/",
        "the list of people, searched": lambda n: f"/admin/accounts/user/?q=person-{n + 500}@example.com",
        "the page of a person": lambda n: f"/admin/accounts/user/{500 + n}/change/",
        "the list of messages": lambda _: "/admin/emails/outboundemail/",
        "the page of a message": lambda n: f"/admin/emails/outboundemail/{email(n).pk}/change/",
        "the list of payments": lambda _: "/admin/billing/payment/",
        "the list of subscriptions": lambda _: "/admin/billing/subscription/",
        "the list of customers": lambda _: "/admin/billing/customer/",
        "the list of Stripe events": lambda _: "/admin/billing/stripeevent/",
    }


def measure() -> dict[str, float]:
    """Return the median milliseconds of each request."""
    from django.test import Client

    from accounts.models import User

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(email="staff@example.com"))
    medians = {}
    for name, path_of in requests().items():
        times = []
        for path in [path_of(number) for number in range(ROUNDS + 1)]:
            started = time.perf_counter()
            response = client.get(path)
            times.append((time.perf_counter() - started) * 1000)
            assert response.status_code in (200, 302), (path, response.status_code)
        medians[name] = statistics.median(times[1:])
    return medians


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="", help="a database that stays")
    with database_named(parser.parse_args().database) as database:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "settings.test", "DATABASE_URL": f"{POSTGRES}/{database}"}
        import django

        django.setup()
        prepare()
        count()
        medians = measure()
        django.db.connection.close()
    reached = [report(name, median, TARGET_MILLISECONDS, " ms") for name, median in medians.items()]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
