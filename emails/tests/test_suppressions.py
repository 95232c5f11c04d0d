"""The list of addresses that get no email."""

from datetime import timedelta

import pytest

from common.db import database_now
from emails.models import Suppression
from emails.tests.support.clock import travel
from emails.tracking.suppressions import is_suppressed, suppress

pytestmark = pytest.mark.django_db
BOUNCE = Suppression.Cause.HARD_BOUNCE


def test_suppression_ignores_case():
    suppress("Ada@Example.com", cause=BOUNCE, detail="550 no such user")
    assert is_suppressed("ada@example.COM")
    assert not is_suppressed("grace@example.com")


def test_temporary_suppression_ends():
    suppress("ada@example.com", cause=Suppression.Cause.SOFT_BOUNCES, until=database_now() + timedelta(days=7))
    assert is_suppressed("ada@example.com")
    travel(timedelta(days=8))
    assert not is_suppressed("ada@example.com")


def test_first_permanent_cause_is_kept():
    suppress("ada@example.com", cause=BOUNCE)
    suppress("ada@example.com", cause=Suppression.Cause.SOFT_BOUNCES, until=database_now())
    assert (Suppression.objects.get().cause, Suppression.objects.get().until) == (BOUNCE, None)


def test_temporary_suppression_is_extended_and_replaced():
    soon, later = database_now() + timedelta(days=1), database_now() + timedelta(days=7)
    for until in (soon, later):
        suppress("ada@example.com", cause=Suppression.Cause.SOFT_BOUNCES, until=until)
    assert Suppression.objects.get().until == later
    suppress("ada@example.com", cause=BOUNCE)
    assert (Suppression.objects.get().cause, Suppression.objects.get().until) == (BOUNCE, None)


def test_lifted_suppression_lets_email_through():
    suppress("ada@example.com", cause=BOUNCE)
    Suppression.objects.get().delete()
    assert not is_suppressed("ada@example.com")
