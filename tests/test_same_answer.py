"""Neither the response nor the work behind it reveals whether an address has an account.

benchmarks/same_answer.py measures the time.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.models import User
from accounts.tests.support.users import PASSWORD, CountingArgon2
from emails.models import OutboundEmail

ME = "me@example.com"
UNEQUAL_HEADERS = ("Set-Cookie", "Expires", "X-Request-ID")
CSRF_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')  # differs in every response
# What can be behind an email address. "again" is an account whose owner was notified earlier on the same day.
ADDRESSES = ["unknown", "confirmed", "unconfirmed", "inactive", "staff", "no-password", "again"]


@dataclass(frozen=True, slots=True)
class Route:
    """A route that takes an email address, and the rest of its input."""

    path: str
    data: dict[str, str]
    is_personal: bool = False  # requires a login

    def post(self, address: str) -> Any:
        client = Client()
        data = {**self.data, "email": address}
        if self.path.startswith("/api/"):
            headers = {"Authorization": f"Token {issue_token()}"} if self.is_personal else {}
            return client.post(self.path, data, content_type="application/json", headers=headers)
        if self.is_personal:
            client.force_login(User.objects.get(email=ME))
        return client.post(self.path, data)


ROUTES = {
    "API sign-up": Route("/api/accounts/signup/", {"name": "Mallory", "password": PASSWORD}),
    "API login": Route("/api/accounts/login/", {"password": "wrong"}),
    "API reset": Route("/api/accounts/password/reset/", {}),
    "API resend": Route("/api/accounts/email/resend/", {}),
    "API email change": Route("/api/accounts/email/change/", {"password": PASSWORD}, is_personal=True),
    "sign-up page": Route("/signup", {"name": "Mallory", "password": PASSWORD}),
    "login page": Route("/login", {"password": "wrong"}),
    "reset page": Route("/forgot-password", {}),
    "resend page": Route("/welcome", {}),
    "email change page": Route("/settings/email", {"password": PASSWORD}, is_personal=True),
    "admin login": Route("/admin/login/", {"password": "wrong"}),
}


@dataclass(frozen=True, slots=True)
class Work:
    """What a request cost: statements (transactions begun and committed among them), hashes, and rows left behind."""

    statements: int
    begun: int
    committed: int
    hashes: int
    has_written: bool  # whether a commit had something to write, which costs time on a disk


@pytest.fixture
def production_conditions(settings, transactional_db):
    """Production's hasher at a tenth of its cost and production's outbox, but no throttles."""
    settings.PASSWORD_HASHERS = ["accounts.tests.support.users.CountingArgon2"]
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    rates = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}


@pytest.fixture
def database_on_disk(production_conditions, tmp_path) -> Iterator[Path | None]:
    """Move the test database from memory to a file, if it is SQLite; provides the path of the file, or None."""
    if connection.vendor != "sqlite":
        yield None
        return
    connection.ensure_connection()
    in_memory, name = connection.connection, connection.settings_dict["NAME"]
    path = tmp_path / "test.sqlite3"
    with closing(sqlite3.connect(path)) as copy:
        in_memory.backup(copy)
    connection.connection, connection.settings_dict["NAME"] = None, str(path)
    yield path
    connection.close()
    connection.connection, connection.settings_dict["NAME"] = in_memory, name


@pytest.fixture
def accounts(database_on_disk: Path | None) -> Path | None:
    """Create an account for each kind of address; provides the path of the database."""
    template = User(password="")
    template.set_password(PASSWORD)
    now = timezone.now()
    known = {name: User(email=address(name), password=template.password, email_verified_at=now) for name in ADDRESSES}
    del known["unknown"]
    known["unconfirmed"].email_verified_at = None
    known["inactive"].is_active = False
    known["staff"].is_staff = True
    known["no-password"].set_unusable_password()
    User.objects.bulk_create([*known.values(), User(email=ME, password=template.password, email_verified_at=now)])
    services.register_user(email=address("again"), name="Mallory", password=PASSWORD)
    return database_on_disk


def address(kind: str) -> str:
    return f"{kind:_<11}@example.com"  # all have the same length


def issue_token() -> str:
    return services.issue_token(user=User.objects.get(email=ME)).token


def work_of(post: Callable[[], object], database: Path | None) -> Work:
    before, CountingArgon2.hashed = data_version(database), 0
    with CaptureQueriesContext(connection) as queries:
        post()
    statements = [query["sql"].split()[0] for query in queries]
    return Work(
        len(statements),
        statements.count("BEGIN"),
        statements.count("COMMIT"),
        CountingArgon2.hashed,
        before != data_version(database),
    )


observers: dict[Path, sqlite3.Connection] = {}


def data_version(database: Path | None) -> int:
    """Return a number that changes when another connection commits a change (SQLite's data_version)."""
    if database is None:
        return 0
    observer = observers.setdefault(database, sqlite3.connect(database))
    return int(observer.execute("PRAGMA data_version").fetchone()[0])


@pytest.mark.parametrize("route", ROUTES)
def test_every_address_gets_the_same_response(accounts, route):
    responses = {}
    for kind in ADDRESSES:
        response = ROUTES[route].post(address(kind))
        body = CSRF_TOKEN.sub(b"", response.content.replace(address(kind).encode(), b""))
        headers = {name: value for name, value in response.items() if name not in UNEQUAL_HEADERS}
        responses[kind] = (response.status_code, body, headers, sorted(response.cookies))
    assert {kind: response for kind, response in responses.items() if response != responses["unknown"]} == {}


@pytest.mark.parametrize("route", ROUTES)
def test_every_address_costs_the_same_work(accounts, route):
    ROUTES[route].post(address("warm-up"))  # imports, and connects to the database
    work = {kind: work_of(partial(ROUTES[route].post, address(kind)), accounts) for kind in ADDRESSES}
    assert {kind: done for kind, done in work.items() if done != work["unknown"]} == {}, work["unknown"]


@pytest.mark.parametrize("route", ["API reset", "API resend", "reset page", "resend page"])
def test_nothing_is_stored_about_an_unknown_address(accounts, route):
    OutboundEmail.objects.all().delete()
    ROUTES[route].post(address("unknown"))
    assert not OutboundEmail.objects.exists()
