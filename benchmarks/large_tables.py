"""Fills PostgreSQL with a month of email: messages, attempts, events, logins, and Stripe events.

Row ``n`` is the ``n``-th newest. Each person has 20 messages. One message in 50 has several recipients.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

SHARE = 500_000  # rows per statement

# Status and reason by n % 1000. The others were delivered.
STATES = """
    CASE WHEN n <= %(queued)s THEN 'queued' WHEN n % 1000 < 30 THEN 'sent' WHEN n % 1000 < 40 THEN 'bounced'
         WHEN n % 1000 < 41 THEN 'complained' WHEN n % 1000 < 46 THEN 'failed' WHEN n % 1000 < 50 THEN 'suppressed'
         WHEN n % 1000 < 51 THEN 'expired' WHEN n % 1000 < 52 THEN 'cancelled' ELSE 'delivered' END
"""

EMAILS = f"""
INSERT INTO emails_outboundemail (id, kind, priority, status, reason, detail, recipients, subject, content, sensitive,
    metadata, idempotency_key, created_at, due_at, isolated, crashes, failures, provider, provider_message_id, sent_at,
    settled_at)
SELECT id, kind, 1, status, CASE status WHEN 'failed' THEN 'refused' ELSE '' END, '',
    'person-' || n / 20 || '@example.com'
        || CASE WHEN n % 50 = 0 THEN ' team-' || n / 1000 || '@example.com copy@example.org' ELSE '' END,
    'Your ' || kind || ' no. ' || n,
    CASE WHEN age < %(kept)s THEN %(content)s::jsonb || jsonb_build_object('id', id) END,
    false, jsonb_build_object('user_id', (n / 20)::text), CASE n % 2 WHEN 0 THEN 'benchmark:' || n END,
    now() - age, CASE status WHEN 'queued' THEN now() - interval '1 minute' END, false, 0, 0,
    CASE status WHEN 'queued' THEN '' ELSE provider END, CASE status WHEN 'queued' THEN '' ELSE id::text END,
    CASE status WHEN 'queued' THEN NULL ELSE now() - age END, CASE status WHEN 'queued' THEN NULL ELSE now() - age END
FROM (
    SELECT n, md5('email ' || n)::uuid AS id, %(youngest)s + n * %(step)s AS age,
        {STATES} AS status,
        (ARRAY['receipt', 'welcome', 'password_reset', 'email_change', ''])[1 + (n %% 97) %% 5] AS kind,
        CASE WHEN n > 600000 THEN 'sendgrid' ELSE 'resend' END AS provider
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
) AS rows
"""
EVENTS = """
INSERT INTO emails_deliveryevent (id, provider, fingerprint, email_id, provider_message_id, recipient, type, severity,
    detail, is_recipient_from_list, occurred_at, received_at, raw)
SELECT md5('event ' || n)::uuid, 'resend', md5('fingerprint ' || n), md5('email ' || n)::uuid,
    md5('email ' || n)::uuid::text, 'person-' || n / 20 || '@example.com',
    CASE WHEN n % 1000 < 40 THEN 'bounced' ELSE 'delivered' END, CASE WHEN n % 1000 < 40 THEN 'hard' ELSE '' END, '',
    false, now() - age, now() - age,
    CASE WHEN age < %(kept)s THEN jsonb_build_object('type', 'email.delivered', 'to', 'person-' || n / 20) END
FROM (
    SELECT n, %(youngest)s + n * %(step)s AS age
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
) AS rows
"""
# Batches of 100 emails. Each email is in the attempt with its number divided by 100.
ATTEMPTS = """
INSERT INTO emails_deliveryattempt (id, provider, endpoint, outcome, created_at, settled_at, calls, crashes,
    status_code, error_code, detail)
SELECT md5('attempt ' || n)::uuid, 'resend', '/emails/batch', CASE WHEN n % 1000 = 0 THEN 'refused' ELSE 'accepted' END,
    now() - age, now() - age, 1, 0, 200, '', ''
FROM (
    SELECT n, %(youngest)s + n * 100 * %(step)s AS age
    FROM generate_series(%(first)s::bigint / 100, %(last)s / 100) AS n
) AS rows
ON CONFLICT DO NOTHING
"""
ATTEMPTED = """
INSERT INTO emails_attemptedemail (attempt_id, email_id, position)
SELECT md5('attempt ' || n / 100)::uuid, md5('email ' || n)::uuid, n % 100
FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
FILLS = {
    "emails_outboundemail": EMAILS,
    "emails_deliveryattempt": ATTEMPTS,
    "emails_attemptedemail": ATTEMPTED,
    "emails_deliveryevent": EVENTS,
}

INDEXES = """
SELECT pg_get_indexdef(indexrelid), indexrelid::regclass::text FROM pg_index
WHERE indrelid = ANY(%s::regclass[]) AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)
"""


def fill(
    first: int,
    last: int,
    *,
    days: tuple[int, int] = (0, 30),
    oldest: int = 0,
    kept_days: int = 30,
    queued: int = 2000,
    tables: Sequence[str] = tuple(FILLS),
) -> None:
    """Insert the messages ``first`` to ``last`` with what belongs to them in other tables, and gather statistics.

    Their age is within ``days``; message ``oldest``, which is ``last`` by default, is the oldest. The first
    ``queued`` messages are due. Bodies and payloads are kept for ``kept_days``.
    """
    from django.core.mail import EmailMessage
    from django.db import connection

    from emails.backends.outbox import row_from

    message = EmailMessage("Your receipt", "A line of text that an email contains.\n" * 10, to=["ada@example.com"])
    values = {
        "content": json.dumps(row_from(message).content),
        "youngest": timedelta(days=days[0]),
        "step": timedelta(days=days[1] - days[0]) / (oldest or last),
        "kept": timedelta(days=kept_days),
        "queued": queued,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # skips foreign keys
        cursor.execute("SET synchronous_commit = off")
        with without_indexes(cursor, tables):
            for insert in map(FILLS.__getitem__, tables):
                for start in range(first, last + 1, SHARE):
                    cursor.execute(
                        insert.replace(" % ", " %% "), {**values, "first": start, "last": min(start + SHARE - 1, last)}
                    )
        cursor.execute("SET session_replication_role = origin")
        for table in tables:
            cursor.execute(f"VACUUM ANALYZE {table}")


@contextmanager
def without_indexes(cursor: Any, tables: Sequence[str]) -> Iterator[None]:
    """Drop the indexes that enforce nothing, and build them again afterward, which is faster than updating them."""
    cursor.execute(INDEXES, [list(tables)])
    indexes = cursor.fetchall()
    for _, name in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for definition, _ in indexes:
        cursor.execute(definition)


def print_sizes() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for table in FILLS:
            cursor.execute(f"SELECT count(*) FROM {table}")
            (rows,) = cursor.fetchone()
            cursor.execute("SELECT pg_size_pretty(pg_table_size(%s)), pg_size_pretty(pg_indexes_size(%s))", [table] * 2)
            print(f"{table}: {rows:,} rows, %s, indexes %s" % cursor.fetchone(), flush=True)
