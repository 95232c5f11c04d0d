"""A gunicorn of this project that serves /stripe/webhook on its own database, which tests can read."""

import json
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import requests

from billing.tests.support.stripe_events import SECRET, Event
from billing.webhook.signatures import sign
from tests.support.stack import HUNG_AFTER, Stack, migrated_sqlite

TABLES = [
    "eventaddress",
    "cleanuprequest",
    "erasure",
    "stripeevent",
    "subscription",
    "payment",
    "invoicepayment",
    "refundedcharge",
    "checkout",
    "customer",
]
USER = """
from accounts.models import User
user = User(pk=7, email="ada@own.example", name="Ada")
user.set_unusable_password()
user.save()
"""


class StripeEndpoint(Stack):
    """The web process alone, under settings.test, which enables failpoints."""

    def __init__(self, directory: Path, database_url: str) -> None:
        super().__init__(directory, "", {"STRIPE_WEBHOOK_SECRETS": SECRET, "DATABASE_URL": database_url})
        self.environment |= {"DJANGO_SETTINGS_MODULE": "settings.test"}
        self.database_url = database_url

    def prepare(self, *, with_user: bool) -> "StripeEndpoint":
        if self.database_url.startswith("sqlite"):
            shutil.copyfile(migrated_sqlite(), self.database_url.removeprefix("sqlite:///"))
        else:
            self.manage("migrate", "-v", "0")
        if with_user:
            self.manage("shell", "-v", "0", "-c", USER)
        return self

    def post(self, event: Event) -> int:
        """Post an event and return the status, or 0 if the server died before it responded."""
        body = json.dumps(event, indent=2).encode()
        headers = {"Stripe-Signature": sign(body, SECRET, at=time.time())}
        try:
            return requests.post(self.url("/stripe/webhook"), body, headers=headers, timeout=HUNG_AFTER).status_code
        except requests.ConnectionError:
            return 0

    def post_shuffled(self, events: Iterable[Event], seed: int, *, times: int, threads: int) -> set[int]:
        deliveries = [event for event in events for _ in range(times)]
        random.Random(seed).shuffle(deliveries)
        with ThreadPoolExecutor(threads) as pool:
            return set(pool.map(self.post, deliveries))

    def sweep(self) -> None:
        self.manage("shell", "-v", "0", "-c", "from billing.webhook.backlog import sweep; sweep()")

    def rows(self, sql: str) -> list[Any]:
        with self.connect() as connection:
            return sorted(map(str, connection.execute(sql).fetchall()))

    def connect(self) -> Any:
        if self.database_url.startswith("sqlite"):
            return sqlite3.connect(self.database_url.removeprefix("sqlite:///"), timeout=HUNG_AFTER)
        return psycopg.connect(self.database_url)

    def email_keys(self) -> Sequence[str]:
        sql = "SELECT idempotency_key FROM emails_outboundemail WHERE kind <> 'welcome'"
        with self.connect() as connection:
            return sorted(key for (key,) in connection.execute(sql).fetchall())

    def forget_everything(self) -> None:
        with self.connect() as connection:
            for table in ["emails_outboundemail", *(f"billing_{name}" for name in TABLES)]:
                connection.execute(f"DELETE FROM {table}")

    def restart_with(self, failpoints: str) -> None:
        if process := self.processes.pop("web", None):
            process.send_signal(signal.SIGTERM)
            process.wait()
        self.environment["EMAIL_FAILPOINTS"] = failpoints
        self.start_web()
