"""The site as visitors see it: gunicorn under production settings, on SQLite, without Redis, worker, or provider.

Its email stays in the outbox, where tests read it. Also starts Chromium for such a visitor.
"""

import json
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import requests
from playwright.sync_api import Browser, sync_playwright

from tests.support.stack import ROOT, collected_static_files, free_port, migrated_sqlite, wait_until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
]


class Site:
    """Use as a context manager."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.database = directory / "site.sqlite3"
        self.temporary_folder = directory / "temporary"
        self.temporary_folder.mkdir()
        port = free_port()
        # Browsers accept Secure cookies from localhost even without TLS.
        self.url = f"http://localhost:{port}"
        self.command = ["-m", "gunicorn", "myproject.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
        self.environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.support.site_settings",
            "TMPDIR": str(self.temporary_folder),
            "TEST_STATIC_ROOT": collected_static_files(),
            "SECRET_KEY": secrets.token_urlsafe(60),
            "ALLOWED_HOSTS": "localhost",
            "APP_URL": self.url,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "DEFAULT_FROM_EMAIL": "Acme <hello@acme.example>",
            "EMAIL_PROVIDER": "resend",
            "RESEND_API_KEY": "re_test",
            "RESEND_WEBHOOK_SECRETS": "whsec_dGVzdA==",
            "SEQUENZY_WEBHOOK_SECRETS": "whsec_dGVzdA==",
            "STRIPE_WEBHOOK_SECRETS": "whsec_test",
            "BRAND_NAME": "Acme",
            "SECURE_SSL_REDIRECT": "false",
            "TRUSTED_PROXY_COUNT": "1",
            **environment,
        }

    def __enter__(self) -> "Site":
        self.create_database()
        self.log = (self.directory / "web.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, *self.command], cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log
        )
        wait_until(self.answers, "the site answers")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()

    def create_database(self) -> None:
        # A copy takes milliseconds, and the migrations take seconds.
        if self.environment["DATABASE_URL"] == f"sqlite:///{self.database}":
            shutil.copyfile(migrated_sqlite(), self.database)
        else:
            self.manage("migrate", "-v0")

    def answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/healthz", timeout=1).ok
        return False

    def manage(self, *arguments: str) -> str:
        """Run a management command, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def add_person(self, address: str, password: str) -> None:
        """Create a user with a confirmed address and one email in the outbox."""
        self.manage(
            "shell",
            "-v",
            "0",
            "-c",
            "from django.utils import timezone\n"
            "from accounts.mail import send_password_changed_email\n"
            "from accounts.models import User\n"
            "now = timezone.now()\n"
            f"user = User.objects.create_user({address!r}, {password!r}, name='Ada Lovelace', email_verified_at=now)\n"
            "send_password_changed_email(user, now)\n",
        )

    def add_missing_payment(self, address: str) -> None:
        """Store a subscription of the user's whose last payment failed."""
        self.manage(
            "shell",
            "-v",
            "0",
            "-c",
            "from django.utils import timezone\n"
            "from accounts.models import User\n"
            "from billing.models import Customer, Payment, Subscription\n"
            "now = timezone.now()\n"
            f"customer = Customer.objects.create(pk='cus_1', user=User.objects.get(email={address!r}))\n"
            "payment = Payment.objects.create(stripe_id='in_1', customer=customer, subscription_id='sub_1',\n"
            "    amount=2900, currency='usd', status='failed', first_failed_at=now, last_failed_at=now)\n"
            "Subscription.objects.create(pk='sub_1', customer=customer, status='past_due', unpaid_since=now,\n"
            "    open_payment=payment, latest_invoice='in_1')\n",
        )

    def link(self, kind: str, address: str) -> str:
        """The link with a token in the newest email of this kind to this address."""
        query = "SELECT content FROM emails_outboundemail WHERE kind = ? AND recipients = ? ORDER BY created_at DESC"
        contents: list[str] = []

        def is_there() -> bool:
            with closing(sqlite3.connect(self.database)) as database:
                contents[:] = [content for (content,) in database.execute(query, (kind, address))]
            return bool(contents)

        wait_until(is_there, f"an email {kind} to {address}")
        found = re.search(rf"{re.escape(self.url)}/\S+\?token=\S+", json.loads(contents[0])["text"])
        assert found, contents[0]
        return found[0]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
