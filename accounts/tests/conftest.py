"""Fixtures for the tests of accounts: users, API calls, and sent emails.

The most common test calls the API as ``ada`` with ``post`` or ``call_api``, and then looks at the response, at the
user's row, and at ``sent_emails``.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from accounts.tests.support.users import PASSWORD, log_in


@pytest.fixture(autouse=True)
def reset_throttles():
    """Clear the cache, because it counts the requests of all tests toward the same limits."""
    cache.clear()


@pytest.fixture(autouse=True)
def reset_language():
    """Deactivate the language that the requests of the test have left active in this thread."""
    yield
    translation.deactivate()


@pytest.fixture
def sent_emails(db, mailoutbox):
    """Provide the list of the emails sent so far. The list grows while the test runs."""
    return mailoutbox


@pytest.fixture
def post(db) -> Callable[..., Any]:
    """Provide a function that posts JSON to a path below /api/accounts/: ``post("signup/", {...})``.

    An exception in a view becomes a 500 response, as in production.
    """
    client = Client(raise_request_exception=False)

    def post(path: str, data: object, **headers: Any) -> Any:
        return client.post(f"/api/accounts/{path}", data, content_type="application/json", **headers)

    return post


@pytest.fixture
def call_api(db) -> Callable[..., Any]:
    """Provide a function that sends any request to the API: ``call_api("GET", "me/", token=ada_token)``.

    An exception in a view becomes a 500 response, as in production.
    """
    client = Client(raise_request_exception=False)

    def call_api(method: str, path: str, data: object = None, *, token: str = "", **headers: Any) -> Any:
        if token:
            headers["HTTP_AUTHORIZATION"] = f"Token {token}"
        body = json.dumps(data) if data is not None else ""
        return client.generic(method, f"/api/accounts/{path}", body, content_type="application/json", **headers)

    return call_api


@pytest.fixture
def ada_token(call_api, ada) -> str:
    """Log Ada in through the API and provide her token."""
    return log_in(call_api)


@pytest.fixture
def ada(db) -> User:
    """Provide a user with a confirmed email address. The welcome email is no longer in ``sent_emails``."""
    user = User.objects.create_user("ada@example.com", PASSWORD, name="Ada", email_verified_at=timezone.now())
    mail.outbox.clear()
    return user


@pytest.fixture
def unconfirmed_user(db) -> User:
    """Provide a user with an email address that isn't confirmed. The welcome email is no longer in ``sent_emails``."""
    user = User.objects.create_user("new@example.com", PASSWORD, name="New")
    mail.outbox.clear()
    return user
