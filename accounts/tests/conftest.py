"""Fixtures for the tests of accounts: users, API calls, and sent emails."""

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
    cache.clear()


@pytest.fixture(autouse=True)
def reset_language():
    """A request leaves its language active in the thread."""
    yield
    translation.deactivate()


@pytest.fixture
def sent_emails(db, mailoutbox):
    """The emails sent so far, in a test that may use the database."""
    return mailoutbox


@pytest.fixture
def post(db) -> Callable[..., Any]:
    """Return a function that posts JSON to a path below /api/accounts/; an exception in a view becomes a 500."""
    client = Client(raise_request_exception=False)

    def post(path: str, data: object, **headers: Any) -> Any:
        return client.post(f"/api/accounts/{path}", data, content_type="application/json", **headers)

    return post


@pytest.fixture
def call_api(db) -> Callable[..., Any]:
    """Return a function that calls the API with any method, and with a token if one is given."""
    client = Client(raise_request_exception=False)

    def call_api(method: str, path: str, data: object = None, *, token: str = "", **headers: Any) -> Any:
        if token:
            headers["HTTP_AUTHORIZATION"] = f"Token {token}"
        body = json.dumps(data) if data is not None else ""
        return client.generic(method, f"/api/accounts/{path}", body, content_type="application/json", **headers)

    return call_api


@pytest.fixture
def ada_token(call_api, ada) -> str:
    """The token of Ada's login."""
    return log_in(call_api)


@pytest.fixture
def ada(db) -> User:
    """A user with a confirmed address; her welcome email is already removed from the outbox."""
    user = User.objects.create_user("ada@example.com", PASSWORD, name="Ada", email_verified_at=timezone.now())
    mail.outbox.clear()
    return user


@pytest.fixture
def unconfirmed_user(db) -> User:
    """A user whose address is not confirmed yet."""
    user = User.objects.create_user("new@example.com", PASSWORD, name="New")
    mail.outbox.clear()
    return user
