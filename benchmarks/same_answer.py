"""Difference in response time between email addresses with and without an account.

    python benchmarks/same_answer.py            on SQLite in memory, or on an empty DATABASE_URL

If the times differed, an attacker could find out who has an account. Requests about known and unknown email addresses
alternate in random order. Argon2 runs at a tenth of its usual cost, so that a difference elsewhere shows. Target:
medians within 5% of each other. tests/test_same_answer.py compares the responses themselves.
"""

import logging
import os
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ.setdefault("DATABASE_URL", "sqlite:////in/memory")

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import User
from accounts.tests.support.users import PASSWORD
from benchmarks.figures import report

TARGET = 0.05
REQUESTS = 200  # of each kind
WARM_UP = 20
PATHS = {
    "signup/": {"name": "Mallory", "password": PASSWORD},
    "login/": {"password": "wrong"},
    "password/reset/": {},
    "email/resend/": {},
}


def address(who: str, number: int) -> str:
    return f"{who}-{number:03}@example.com"


def add_people(*, verified: bool) -> None:
    """Replace all users with one for each known email address."""
    User.objects.all().delete()
    template = User(password="")
    template.set_password(PASSWORD)
    at = timezone.now() if verified else None
    User.objects.bulk_create(
        User(email=address("known", number), password=template.password, email_verified_at=at)
        for number in range(REQUESTS)
    )


def medians(path: str) -> tuple[float, float]:
    """Return the median milliseconds of a response for known and for unknown email addresses."""
    add_people(verified=path != "email/resend/")  # only unverified users can request a new link
    client = Client(HTTP_HOST="localhost")
    milliseconds: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(-WARM_UP, REQUESTS):
        for who in random.sample(sorted(milliseconds), 2):
            data = {**PATHS[path], "email": address(who, number % REQUESTS)}
            started = time.perf_counter()
            client.post(f"/api/accounts/{path}", data, content_type="application/json")
            elapsed = time.perf_counter() - started
            if number >= 0:
                milliseconds[who].append(elapsed * 1000)
    return statistics.median(milliseconds["known"]), statistics.median(milliseconds["unknown"])


def main() -> int:
    logging.disable()
    if connection.vendor == "sqlite":
        connection.settings_dict["NAME"] = ":memory:"
    call_command("migrate", verbosity=0)
    rates = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
    is_reached = True
    with override_settings(
        PASSWORD_HASHERS=["accounts.tests.support.users.QuickArgon2"],
        EMAIL_BACKEND="emails.backends.outbox.OutboxBackend",
        REST_FRAMEWORK={**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates},
    ):
        for path in PATHS:
            known, unknown = medians(path)
            print(f"{path} known {known:.2f} ms, unknown {unknown:.2f} ms")
            is_reached &= report(f"{path} relative difference", abs(known / unknown - 1), TARGET)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
