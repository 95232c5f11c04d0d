"""Neither the answer nor the work it takes shows whether an address has an account.

benchmarks/same_answer.py measures the time.
"""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.support.users import PASSWORD

TRIES = 20
STATEMENTS = {"signup/": 2}  # more or fewer: see test_signup.py
PATHS = {
    "signup/": {"name": "Mallory", "password": PASSWORD},
    "login/": {"password": "wrong"},
    "password/reset/": {},
    "email/resend/": {},
}


@pytest.fixture
def production(settings, transactional_db):
    """What takes the time in production: the hasher, at a tenth of its cost, and the outbox; and no throttle."""
    settings.PASSWORD_HASHERS = ["accounts.tests.support.users.QuickArgon2"]
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    rates = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}


@pytest.fixture
def people(production):
    """Accounts with passwords of their own; those for email/resend/ wait to be confirmed."""
    template = User(password="")
    template.set_password(PASSWORD)

    def people(verified: bool) -> None:
        at = timezone.now() if verified else None
        users = [
            User(email=address("known", n), password=template.password, email_verified_at=at) for n in range(TRIES)
        ]
        User.objects.bulk_create(users)

    return people


def address(who: str, number: int) -> str:
    return f"{who}-{number:03}@example.com"


@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_addresses_get_the_same_response(people, path):
    people(verified=path != "email/resend/")
    client = Client()
    responses: dict[str, set[tuple[int, bytes]]] = {"known": set(), "other": set()}
    for number in range(TRIES):
        for who, given in responses.items():
            data = {**PATHS[path], "email": address(who, number)}
            response = client.post(f"/api/accounts/{path}", data, content_type="application/json")
            given.add((response.status_code, response.content.replace(data["email"].encode(), b"")))
    assert responses["known"] == responses["other"]
    assert len(responses["known"]) == 1


@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_addresses_cost_the_same_queries(people, path):
    people(verified=path != "email/resend/")
    counts = {}
    for who in ("known", "other"):
        with CaptureQueriesContext(connection) as queries:
            data = {**PATHS[path], "email": address(who, 0)}
            Client().post(f"/api/accounts/{path}", data, content_type="application/json")
        counts[who] = len(queries)
    assert abs(counts["known"] - counts["other"]) <= STATEMENTS.get(path, 0)
