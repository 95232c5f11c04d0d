"""Difference in response time between email addresses with and without an account.

    python benchmarks/same_answer.py            on SQLite on the disk, or on an empty DATABASE_URL (PostgreSQL)

If the times differed, an attacker could find out who has an account. Requests about unknown addresses and about every
kind of account alternate in random order. Argon2 runs at a tenth of its usual cost, so that a difference elsewhere
shows. Target: medians within 5% of the unknown address. tests/test_same_answer.py compares the work itself.
"""

import logging
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ.setdefault(
    "DATABASE_URL",
    f"sqlite:///{tempfile.mkdtemp(dir=Path(__file__).resolve().parent.parent / 'var')}/benchmark.sqlite3",
)

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from accounts import services
from accounts.models import User
from accounts.tests.support.users import PASSWORD
from benchmarks.figures import report

TARGET = 0.05
REQUESTS = 150  # of each kind
WARM_UP = 10
KINDS = ["unknown", "confirmed", "unconfirmed", "inactive", "no-password"]
PATHS = {
    "signup/": {"name": "Mallory", "password": PASSWORD},
    "login/": {"password": "wrong"},
    "password/reset/": {},
    "email/resend/": {},
    "email/change/": {"password": PASSWORD},
}


STATUSES = {"signup/": 201, "login/": 400}


def address(kind: str, number: int) -> str:
    return f"{kind:_<11}-{number:03}@example.com"


def add_people() -> str:
    """Replace all users with one for each known email address; returns the token of another one."""
    User.objects.all().delete()
    template = User(password="")
    template.set_password(PASSWORD)
    now = timezone.now()
    people = [User(email=address(kind, n), password=template.password) for kind in KINDS[1:] for n in range(REQUESTS)]
    for person in people:
        person.email_verified_at = None if person.email.startswith("unconfirmed") else now
        person.is_active = not person.email.startswith("inactive")
        if person.email.startswith("no-password"):
            person.set_unusable_password()
    me = User(email="me@example.com", password=template.password, email_verified_at=now)
    User.objects.bulk_create([*people, me])
    return services.issue_token(user=User.objects.get(email=me.email)).token


def medians(path: str) -> dict[str, float]:
    """Return the median milliseconds of a response for each kind of email address."""
    token = add_people()
    headers = {"Authorization": f"Token {token}"} if path == "email/change/" else {}
    client = Client(SERVER_NAME="localhost")
    milliseconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(-WARM_UP, REQUESTS):
        for kind in random.sample(KINDS, len(KINDS)):
            data = {**PATHS[path], "email": address(kind, number % REQUESTS)}
            started = time.perf_counter()
            response = client.post(f"/api/accounts/{path}", data, content_type="application/json", headers=headers)
            elapsed = time.perf_counter() - started
            assert response.status_code == STATUSES.get(path, 202), response.content
            if number >= 0:
                milliseconds[kind].append(elapsed * 1000)
    return {kind: statistics.median(times) for kind, times in milliseconds.items()}


def main() -> int:
    logging.disable()
    call_command("migrate", verbosity=0)
    rates = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
    is_reached = True
    with override_settings(
        PASSWORD_HASHERS=["accounts.tests.support.users.QuickArgon2"],
        EMAIL_BACKEND="emails.backends.outbox.OutboxBackend",
        REST_FRAMEWORK={**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates},
    ):
        for path in PATHS:
            times = medians(path)
            print(path, ", ".join(f"{kind} {median:.2f} ms" for kind, median in times.items()))
            for kind in KINDS[1:]:
                difference = abs(times[kind] / times["unknown"] - 1)
                is_reached &= report(f"{path} {kind}, relative difference, {connection.vendor}", difference, TARGET)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
