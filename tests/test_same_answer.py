"""Neither the response nor the work behind it reveals whether an address has an account.

benchmarks/same_answer.py measures the time.
"""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.support.users import PASSWORD

ATTEMPTS = 20
STATEMENTS = {"signup/": 2}  # the allowed difference: see test_signup.py
PATHS = {
    "signup/": {"name": "Mallory", "password": PASSWORD},
    "login/": {"password": "wrong"},
    "password/reset/": {},
    "email/resend/": {},
}


@pytest.fixture
def production_conditions(settings, transactional_db):
    """Production's hasher at a tenth of its cost and production's outbox, but no throttles."""
    settings.PASSWORD_HASHERS = ["accounts.tests.support.users.QuickArgon2"]
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    rates = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}


@pytest.fixture
def create_users(production_conditions):
    """Return a function that creates users with passwords; those for email/resend/ are unconfirmed."""
    template = User(password="")
    template.set_password(PASSWORD)

    def create_users(verified: bool) -> None:
        at = timezone.now() if verified else None
        users = [
            User(email=address("known", n), password=template.password, email_verified_at=at) for n in range(ATTEMPTS)
        ]
        User.objects.bulk_create(users)

    return create_users


def address(kind: str, number: int) -> str:
    return f"{kind}-{number:03}@example.com"


@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_addresses_get_the_same_response(create_users, path):
    create_users(verified=path != "email/resend/")
    client = Client()
    responses: dict[str, set[tuple[int, bytes]]] = {"known": set(), "other": set()}
    for number in range(ATTEMPTS):
        for kind, given in responses.items():
            data = {**PATHS[path], "email": address(kind, number)}
            response = client.post(f"/api/accounts/{path}", data, content_type="application/json")
            given.add((response.status_code, response.content.replace(data["email"].encode(), b"")))
    assert responses["known"] == responses["other"]
    assert len(responses["known"]) == 1


@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_addresses_cost_the_same_queries(create_users, path):
    create_users(verified=path != "email/resend/")
    counts = {}
    for kind in ("known", "other"):
        with CaptureQueriesContext(connection) as queries:
            data = {**PATHS[path], "email": address(kind, 0)}
            Client().post(f"/api/accounts/{path}", data, content_type="application/json")
        counts[kind] = len(queries)
    assert abs(counts["known"] - counts["other"]) <= STATEMENTS.get(path, 0)
