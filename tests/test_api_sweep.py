"""Every API route in the schema, tried without the rights for it: no privilege, and no data of others."""

import json
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from knox.models import AuthToken

from accounts.models import User
from billing.models import Payment

PASSWORD = "correct horse battery staple"
PUBLIC = {
    "signup",
    "verify_email",
    "resend_verification",
    "confirm_email_change",
    "undo_email_change",
    "keep_address",
    "login",
    "request_password_reset",
    "reset_password",
    "plans",
    "add_ons",
    "products",
}
# Fields that no user may write, about themselves or others.
FORBIDDEN: dict[str, Any] = {
    "is_staff": True,
    "is_superuser": True,
    "is_active": False,
    "email_verified_at": "2026-01-01T00:00:00Z",
    "email_verified": True,
    "groups": [1],
    "user_permissions": [1],
    "date_joined": "2020-01-01T00:00:00Z",
    "session_generation": 99,
    "id": 1,
    "pk": 1,
    "user": 1,
    "user_id": 1,
    "customer": "cus_1",
}


class Operation(NamedTuple):
    name: str
    method: str
    path: str
    is_public: bool
    example: Any


def operations() -> list[Operation]:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return [
        Operation(operation["operationId"], method, path, is_public(operation), example_of(operation))
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]


def is_public(operation: dict[str, Any]) -> bool:
    return {} in operation.get("security", [{}])


def example_of(operation: dict[str, Any]) -> Any:
    """The first documented body, or None if the operation takes no body."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return next((example["value"] for example in content.get("examples", {}).values()), None)


OPERATIONS = operations()
WITH_BODY = [operation for operation in OPERATIONS if operation.example is not None]


@pytest.fixture(autouse=True)
def reset_throttles():
    cache.clear()


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user("ada@example.com", PASSWORD, name="Ada", email_verified_at=timezone.now())


@pytest.fixture(autouse=True)
def configured_payments(stripe_api) -> None:
    """Without a Stripe key, the right response would be a 503."""


@pytest.fixture(params=["other", "staff", "superuser"])
def other_user(request, ada) -> User:
    """Another user, perhaps with staff rights, which must not matter in the API."""
    eve = User.objects.create_user("eve@example.com", PASSWORD, email_verified_at=timezone.now())
    eve.is_staff, eve.is_superuser = request.param != "other", request.param == "superuser"
    eve.save()
    return eve


def call_api(operation: Operation, user: User | None, body: Any = None, query: str = "") -> Any:
    headers = {"Authorization": f"Token {AuthToken.objects.create(user=user)[1]}"} if user else {}
    client = Client(raise_request_exception=False)
    text = json.dumps(body) if body is not None else ""
    path = operation.path.format(id=adas_payment()) + query
    return client.generic(operation.method.upper(), path, text, content_type="application/json", headers=headers)


def adas_payment() -> int:
    """The ID of the only object that has its own path in the API, or 0 if Ada does not exist."""
    ada = User.objects.filter(email="ada@example.com").first()
    if ada is None:
        return 0
    defaults = {"user": ada, "status": Payment.Status.PAID, "amount": 2900, "currency": "usd", "email": ada.email}
    return Payment.objects.get_or_create(stripe_id="in_ada", defaults=defaults)[0].pk


def rows_of(user: User) -> Any:
    return User.objects.filter(pk=user.pk).values().first()


def parametrize_operations(operations: list[Operation]) -> Any:
    return pytest.mark.parametrize("operation", operations, ids=[operation.name for operation in operations])


def test_only_intended_operations_are_public():
    assert {operation.name for operation in OPERATIONS if operation.is_public} <= PUBLIC


def test_every_operation_documents_an_example():
    writing = [operation for operation in OPERATIONS if operation.method in ("put", "patch")]
    assert not [operation.name for operation in writing if operation.example is None]


@parametrize_operations([operation for operation in OPERATIONS if not operation.is_public])
@pytest.mark.parametrize("header", ["", "Token made-up", "Token", "Bearer x", "Basic YTpi"])
def test_missing_or_invalid_token_responds_401(operation, header, db):
    client = Client(headers={"Authorization": header} if header else {})
    path = operation.path.format(id=1)
    response = client.generic(operation.method.upper(), path, json.dumps(operation.example or {}))
    assert response.status_code == 401


@parametrize_operations([operation for operation in OPERATIONS if not operation.is_public])
def test_browser_session_is_not_accepted_as_a_token(operation, ada):
    client = Client()
    client.force_login(ada)
    assert client.generic(operation.method.upper(), operation.path.format(id=1), "{}").status_code == 401


@parametrize_operations(OPERATIONS)
def test_another_users_account_is_unreachable(operation, other_user, ada):
    before = rows_of(ada)
    token = AuthToken.objects.create(user=ada)[0]
    for query in ("", f"?id={ada.pk}&user={ada.pk}&user_id={ada.pk}&email={ada.email}"):
        response = call_api(operation, other_user, operation.example, query)
        assert response.status_code < 500
        assert response.status_code == 404 or "{id}" not in operation.path
        if not operation.is_public:
            assert b"ada@" not in response.content
    assert rows_of(ada) == before
    assert AuthToken.objects.filter(pk=token.pk).exists()


@parametrize_operations(WITH_BODY)
@pytest.mark.parametrize("field", FORBIDDEN)
def test_undocumented_field_is_refused(operation, field, ada):
    if field in operation.example:
        pytest.skip("the operation offers it")
    before = rows_of(ada)
    body = {**operation.example, field: FORBIDDEN[field]}
    response = call_api(operation, None if operation.is_public else ada, body)
    assert (response.status_code, list(response.json())) == (400, [field])
    assert rows_of(ada) == before
    assert User.objects.count() == 1


@parametrize_operations([operation for operation in OPERATIONS if operation.method == "get"])
def test_get_changes_nothing(operation, ada):
    before = rows_of(ada)
    assert call_api(operation, ada).status_code == 200
    assert rows_of(ada) == before
