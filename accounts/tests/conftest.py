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
def no_requests_counted():
    cache.clear()


@pytest.fixture(autouse=True)
def english_afterwards():
    """The language of the last request stays that of its thread."""
    yield
    translation.deactivate()


@pytest.fixture
def outbox(db, mailoutbox):
    return mailoutbox


@pytest.fixture
def post(db) -> Callable[..., Any]:
    """POST to a path below /api/accounts/, as JSON; an exception in a view is a 500, as in production."""
    client = Client(raise_request_exception=False)

    def post(path: str, data: object, **headers: Any) -> Any:
        return client.post(f"/api/accounts/{path}", data, content_type="application/json", **headers)

    return post


@pytest.fixture
def call(db) -> Callable[..., Any]:
    """Any method, as the person whose token is given."""
    client = Client(raise_request_exception=False)

    def call(method: str, path: str, data: object = None, *, token: str = "", **headers: Any) -> Any:
        if token:
            headers["HTTP_AUTHORIZATION"] = f"Token {token}"
        body = json.dumps(data) if data is not None else ""
        return client.generic(method, f"/api/accounts/{path}", body, content_type="application/json", **headers)

    return call


@pytest.fixture
def token(call, ada) -> str:
    """Ada is logged in."""
    return log_in(call)


@pytest.fixture
def ada(db) -> User:
    """A user whose address is confirmed, without the welcome mail."""
    user = User.objects.create_user("ada@example.com", PASSWORD, name="Ada", email_verified_at=timezone.now())
    mail.outbox.clear()
    return user


@pytest.fixture
def unconfirmed(db) -> User:
    user = User.objects.create_user("new@example.com", PASSWORD, name="New")
    mail.outbox.clear()
    return user
