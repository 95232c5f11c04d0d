"""Every route of the API, as its schema lists them, tried by who must not: no privilege, no foreign object."""

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
    "signup", "verify_email", "resend_verification", "confirm_email_change", "undo_email_change", "login",
    "request_password_reset", "reset_password", "plans",
}  # fmt: skip
# What nobody may write about themselves, nor about others.
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
        Operation(found["operationId"], method, path, is_public(found), example_of(found))
        for path, methods in paths.items()
        for method, found in methods.items()
    ]


def is_public(operation: dict[str, Any]) -> bool:
    return {} in operation.get("security", [{}])


def example_of(operation: dict[str, Any]) -> Any:
    """The first documented body; None for an operation that takes none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return next((example["value"] for example in content.get("examples", {}).values()), None)


OPERATIONS = operations()
WITH_BODY = [operation for operation in OPERATIONS if operation.example is not None]


@pytest.fixture(autouse=True)
def no_requests_counted():
    cache.clear()


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user("ada@example.com", PASSWORD, name="Ada", email_verified_at=timezone.now())


@pytest.fixture(autouse=True)
def payments(stripe) -> None:
    """Are set up: without, the right answer is a 503."""


@pytest.fixture(params=["other", "staff", "superuser"])
def stranger(request, ada) -> User:
    """Somebody else, who is privileged elsewhere perhaps, and not here."""
    eve = User.objects.create_user("eve@example.com", PASSWORD, email_verified_at=timezone.now())
    eve.is_staff, eve.is_superuser = request.param != "other", request.param == "superuser"
    eve.save()
    return eve


def call(operation: Operation, user: User | None, body: Any = None, query: str = "") -> Any:
    headers = {"Authorization": f"Token {AuthToken.objects.create(user=user)[1]}"} if user else {}
    client = Client(raise_request_exception=False)
    text = json.dumps(body) if body is not None else ""
    path = operation.path.format(id=adas_payment()) + query
    return client.generic(operation.method.upper(), path, text, content_type="application/json", headers=headers)


def adas_payment() -> int:
    """The only object of the API that has a path of its own; 0 where Ada has none."""
    ada = User.objects.filter(email="ada@example.com").first()
    if ada is None:
        return 0
    paid = {"user": ada, "status": Payment.Status.PAID, "amount": 2900, "currency": "usd", "email": ada.email}
    return Payment.objects.get_or_create(stripe_id="in_ada", defaults=paid)[0].pk


def rows_of(user: User) -> Any:
    return User.objects.filter(pk=user.pk).values().first()


def named(operations: list[Operation]) -> Any:
    return pytest.mark.parametrize("operation", operations, ids=[operation.name for operation in operations])


def test_only_intended_operations_are_public():
    assert {operation.name for operation in OPERATIONS if operation.is_public} <= PUBLIC


def test_every_operation_documents_an_example():
    writing = [operation for operation in OPERATIONS if operation.method in ("put", "patch")]
    assert not [operation.name for operation in writing if operation.example is None]


@named([operation for operation in OPERATIONS if not operation.is_public])
@pytest.mark.parametrize("header", ["", "Token made-up", "Token", "Bearer x", "Basic YTpi"])
def test_missing_or_invalid_token_responds_401(operation, header, db):
    client = Client(headers={"Authorization": header} if header else {})
    path = operation.path.format(id=1)
    answer = client.generic(operation.method.upper(), path, json.dumps(operation.example or {}))
    assert answer.status_code == 401


@named([operation for operation in OPERATIONS if not operation.is_public])
def test_browser_session_is_not_accepted_as_a_token(operation, ada):
    client = Client()
    client.force_login(ada)
    assert client.generic(operation.method.upper(), operation.path.format(id=1), "{}").status_code == 401


@named(OPERATIONS)
def test_another_users_account_is_unreachable(operation, stranger, ada):
    before = rows_of(ada)
    token = AuthToken.objects.create(user=ada)[0]
    for query in ("", f"?id={ada.pk}&user={ada.pk}&user_id={ada.pk}&email={ada.email}"):
        answer = call(operation, stranger, operation.example, query)
        assert answer.status_code < 500
        assert answer.status_code == 404 or "{id}" not in operation.path
        if not operation.is_public:
            assert b"ada@" not in answer.content
    assert rows_of(ada) == before
    assert AuthToken.objects.filter(pk=token.pk).exists()


@named(WITH_BODY)
@pytest.mark.parametrize("field", FORBIDDEN)
def test_undocumented_field_is_refused(operation, field, ada):
    if field in operation.example:
        pytest.skip("the operation offers it")
    before = rows_of(ada)
    body = {**operation.example, field: FORBIDDEN[field]}
    answer = call(operation, None if operation.is_public else ada, body)
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert rows_of(ada) == before
    assert User.objects.count() == 1


@named([operation for operation in OPERATIONS if operation.method == "get"])
def test_get_changes_nothing(operation, ada):
    before = rows_of(ada)
    assert call(operation, ada).status_code == 200
    assert rows_of(ada) == before
