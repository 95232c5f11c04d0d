"""Fixtures for the tests of operations: staff, a customer, and running processes."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from accounts.models import User
from emails.tests.conftest import deliver as deliver
from emails.tests.conftest import fail_over as fail_over
from emails.tests.conftest import live_through as live_through
from emails.tests.conftest import outbox as outbox
from emails.tests.conftest import provider_api as provider_api
from emails.tests.conftest import queue_emails as queue_emails
from emails.tests.conftest import standin_server as standin_server
from emails.tests.conftest import use_provider as use_provider
from emails.tests.conftest import use_two as use_two
from emails.tests.conftest import webhook_sender_for as webhook_sender_for
from operations.models import Heartbeat, Role


@pytest.fixture
def root(db, mailoutbox) -> Client:
    """Provide the browser of a superuser."""
    return browser_of(User.objects.create_superuser("root@example.com", name="Root"))


@pytest.fixture
def staff_with(db, mailoutbox) -> Callable[..., Client]:
    """Provide a function that returns the browser of a member of staff with these permissions."""

    def log_in(*codenames: str) -> Client:
        staff = User.objects.create_user("staff@example.com", is_staff=True, email_verified_at=timezone.now())
        staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return browser_of(staff)

    return log_in


def browser_of(user: User) -> Client:
    cache.clear()
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ada(db, mailoutbox) -> User:
    return User.objects.create_user("ada@example.com", name="Ada Lovelace", email_verified_at=timezone.now())


@pytest.fixture
def running(db) -> None:
    """A worker and beat have just reported."""
    for role in Role.values:
        Heartbeat.objects.create(name=role, role=role, started_at=Now(), seen_at=Now())
