"""Whether an address has an account is told by no answer and by no clock."""

import random
import time
from statistics import median

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.support.users import PASSWORD

TRIES = 200
WARM_UP = 20
TOLERANCE = 0.05
STATEMENTS = {"signup/": 2}  # more or fewer: see test_signup.py
PATHS = {
    "signup/": {"name": "Mallory", "password": PASSWORD},
    "login/": {"password": "wrong"},
    "password/reset/": {},
    "email/resend/": {},
}


@pytest.fixture
def production(settings, transactional_db):
    """What takes the time in production: the hasher, at a tenth of its cost, so that the rest weighs the more, and the
    outbox; and no throttle in the way."""
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


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_addresses_take_the_same_time(people, path):
    people(verified=path != "email/resend/")
    client = Client()
    seconds: dict[str, list[float]] = {"known": [], "other": []}
    bodies: dict[str, set[tuple[int, bytes]]] = {"known": set(), "other": set()}
    for number in range(-WARM_UP, TRIES):
        for who in random.sample(["known", "other"], 2):
            data = {**PATHS[path], "email": address(who, number % TRIES)}
            started = time.perf_counter()
            response = client.post(f"/api/accounts/{path}", data, content_type="application/json")
            elapsed = time.perf_counter() - started
            if number >= 0:
                seconds[who].append(elapsed)
                bodies[who].add((response.status_code, response.content.replace(data["email"].encode(), b"")))
    known, other = (median(seconds[who]) * 1000 for who in ("known", "other"))
    print(f"{path} known {known:.2f} ms, unknown {other:.2f} ms: {(known / other - 1) * 100:+.1f} %")
    assert bodies["known"] == bodies["other"]
    assert len(bodies["known"]) == 1
    assert abs(known / other - 1) <= TOLERANCE


@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_addresses_cost_the_same_queries(people, path):
    """The quick form of the test above."""
    people(verified=path != "email/resend/")
    counts = {}
    for who in ("known", "other"):
        with CaptureQueriesContext(connection) as queries:
            data = {**PATHS[path], "email": address(who, 0)}
            Client().post(f"/api/accounts/{path}", data, content_type="application/json")
        counts[who] = len(queries)
    assert abs(counts["known"] - counts["other"]) <= STATEMENTS.get(path, 0)
