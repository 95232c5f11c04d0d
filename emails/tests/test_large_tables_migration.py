"""Migration 0008: what it does besides building indexes."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from emails.models import AttemptedEmail, ContactChange, DeliveryAttempt, OutboundEmail
from emails.retention import purge
from emails.tests.support.clock import travel
from emails.tests.test_retention import MONTH

migration = import_module("emails.migrations.0008_large_tables")


def test_attempts_that_carry_nothing_are_deleted(queue_emails, deliver, monkeypatch):
    monkeypatch.setattr(migration, "BATCH_SIZE", 2)
    queue_emails(1)
    deliver()
    kept = {
        DeliveryAttempt.objects.get(),
        DeliveryAttempt.objects.create(provider="resend"),  # not settled
        DeliveryAttempt.objects.create(
            settled_at="2026-01-01T00:00Z", contact_change=ContactChange.objects.create(action="add_tag")
        ),
    }
    for _ in range(5):
        DeliveryAttempt.objects.create(settled_at="2026-01-01T00:00Z")
    migration.delete_attempts_without_emails(apps, None)
    assert {*DeliveryAttempt.objects.all()} == kept


def test_attempt_of_a_batch_is_deleted_with_its_last_email(queue_emails, deliver):
    queue_emails(3)
    deliver()
    [attempt] = DeliveryAttempt.objects.all()
    first = AttemptedEmail.objects.filter(position=0).values("email")
    OutboundEmail.objects.filter(pk__in=first).update(idempotency_key="receipt:1")
    travel(MONTH)
    purge()
    assert (OutboundEmail.objects.count(), [*DeliveryAttempt.objects.all()]) == (1, [attempt])
    travel(3 * MONTH)
    purge()
    assert not DeliveryAttempt.objects.exists()


@pytest.mark.django_db
def test_autovacuum_of_large_tables_starts_early():
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    with connection.cursor() as cursor:
        for table in migration.TABLES:
            cursor.execute("SELECT reloptions FROM pg_class WHERE oid = %s::regclass", [table])
            [options] = cursor.fetchone()
            assert {f"{name}={value}" for name, value in migration.OPTIONS.items()} <= set(options)
