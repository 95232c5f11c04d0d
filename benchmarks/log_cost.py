"""What JSON logs and request IDs add to the CPU time of a sign-up and of an event from Stripe.

    python benchmarks/log_cost.py

Both ways take turns in one process: with the middleware, JSON, the line about each queued email, and the cleaning of
every line; and as before, with lines of text and without IDs. Each includes gunicorn's line in the access log. Target:
at most 1.03 times as much, with the password hashing of production. Also printed: a sign-up without hashing.
"""

import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.mkdtemp()}/benchmark.sqlite3")
os.environ["STRIPE_WEBHOOK_SECRETS"] = SECRET = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"

import django

django.setup()

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, override_settings
from gunicorn.config import Config

from accounts.models import User
from benchmarks.figures import report
from billing.tests.support.stripe_events import payload
from billing.webhook.signatures import sign
from common import access_log
from common.logs import JsonFormatter, LineFormatter, escape, shorten
from common.windows import process_windows

TARGET = 1.03
ROUNDS = 121
REQUESTS = {"sign-up": 1, "sign-up without hashing": 4, "event from Stripe": 4}  # per round
NEW_LINES = ("emails.backends.outbox", "billing.webhook.processing", "common.task_logs")
HASHING = ["accounts.hashers.Argon2PasswordHasher"]
REQUEST_IDS = "common.request_ids.request_id_middleware"

numbers = count(1)


class FormerFormatter(LineFormatter):
    """Lines of text, in which nothing is looked for."""

    def message_of(self, record: logging.LogRecord) -> str:
        return shorten(escape(record.getMessage()))


class FormerLogger(access_log.SafeLogger):
    formatter = FormerFormatter


class Server:
    """One of the two ways: Django's handler, with the log's format, and gunicorn's access log."""

    def __init__(self, logger: type, formatter: logging.Formatter, level: int, middleware: list[str]) -> None:
        config = Config()
        config.set("accesslog", os.devnull)
        config.set("access_log_format", "%(h)s %(m)s %(U)s %(s)s %(B)sB %(M)sms")
        self.logger, self.formatter, self.level = logger, formatter, level
        self.config = config
        with override_settings(MIDDLEWARE=middleware):
            self.client = Client(SERVER_NAME="localhost")
            self.client.handler.load_middleware()

    def enter(self) -> None:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(self.formatter)
        for name in NEW_LINES:
            logging.getLogger(name).setLevel(self.level)
        self.access_log = self.logger(self.config)

    def post(self, path: str, body: bytes, **headers: str) -> None:
        process_windows.clear()  # the rate limits, which a fast machine reaches
        cache.clear()
        response = self.client.post(path, body, content_type="application/json", headers=headers)
        assert response.status_code in (200, 201), response.content
        environ = {**response.wsgi_request.META, "RAW_URI": path, "SERVER_PROTOCOL": "HTTP/1.1"}
        sent = SimpleNamespace(status=f"{response.status_code} OK", headers=[], sent=len(response.content))
        self.access_log.access(sent, SimpleNamespace(headers=[]), environ, timedelta(milliseconds=5))


def sign_up(server: Server) -> None:
    body = {"email": f"person-{next(numbers)}@example.com", "name": "Ada", "password": "correct horse battery"}
    server.post("/api/accounts/signup/", json.dumps(body).encode())


def report_payment(server: Server) -> None:
    event: Any = payload("invoice_paid_first")
    number = next(numbers)
    event["id"], event["data"]["object"]["id"] = f"evt_{number}", f"in_{number}"
    body = json.dumps(event).encode()
    server.post("/stripe/webhook", body, **{"Stripe-Signature": sign(body, SECRET, at=time.time())})


def ratio(action: Callable[[Server], None], former: Server, new: Server, requests: int) -> float:
    """Return the median of the rounds' ratios of CPU time, new to former."""
    ratios = []
    for number in range(ROUNDS):
        times = {}
        for server in (former, new) if number % 2 else (new, former):
            server.enter()
            started = time.process_time()
            for _ in range(requests):
                action(server)
            times[server] = time.process_time() - started
        ratios.append(times[new] / times[former])
    return statistics.median(ratios[1:])


@contextmanager
def quiet_log() -> Iterator[None]:
    """Write the log to nowhere."""
    with Path(os.devnull).open("w") as nowhere:
        for handler in logging.getLogger().handlers:
            assert isinstance(handler, logging.StreamHandler)
            handler.setStream(nowhere)
        yield


def main() -> int:
    call_command("migrate", verbosity=0)
    User.objects.create(pk=7, email="ada@example.com")  # the user in the metadata of the invoices
    without = [name for name in settings.MIDDLEWARE if name != REQUEST_IDS]
    former = Server(FormerLogger, FormerFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"), 30, without)
    new = Server(access_log.JsonLogger, JsonFormatter(), 20, [*settings.MIDDLEWARE])
    with quiet_log():
        plain = ratio(sign_up, former, new, REQUESTS["sign-up without hashing"])
        event = ratio(report_payment, former, new, REQUESTS["event from Stripe"])
        with override_settings(PASSWORD_HASHERS=HASHING):
            hashed = ratio(sign_up, former, new, REQUESTS["sign-up"])
    is_reached = report("sign-up: CPU time with JSON and IDs / as before", hashed, TARGET)
    is_reached &= report("event from Stripe: CPU time with JSON and IDs / as before", event, TARGET)
    print(f"sign-up without hashing: {plain:.3f}")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
