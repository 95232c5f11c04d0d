"""Stripe events per second that one gunicorn sync worker handles, on SQLite in WAL mode.

    python benchmarks/webhook_rate.py

Alternates between three kinds of requests, in many short rounds: new ``invoice.paid`` events, each of which queues a
receipt; the same events again; and a bare view that does the minimum, which is to verify the event, render the same
email, and insert both. Targets: new events at 0.8 times the rate of the bare view, and repeated events at twice the
rate of new ones.
"""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SECRET = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"
NEW_TARGET, REPEATED_TARGET = 0.8, 2.0
ROUNDS, EVENTS, CLIENTS = 12, 150, 3

os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.mkdtemp()}/benchmark.sqlite3")
os.environ["STRIPE_WEBHOOK_SECRETS"] = SECRET

import django

django.setup()

from accounts.models import User
from benchmarks.figures import report
from billing.tests.support.stripe_events import payload
from billing.webhook.signatures import sign
from emails.models import OutboundEmail

numbers = count(1)


def signed_events(amount: int) -> list[tuple[bytes, dict[str, str]]]:
    """Return (body, headers) of events about new invoices of one customer."""
    event = payload("invoice_paid_first")
    events = []
    for number in (next(numbers) for _ in range(amount)):
        event["id"], event["data"]["object"]["id"] = f"evt_{os.getpid()}_{number}", f"in_{os.getpid()}_{number}"
        body = json.dumps(event, indent=2).encode()
        events.append((body, {"Stripe-Signature": sign(body, SECRET, at=time.time())}))
    return events


def rate(port: int, path: str, requests: Sequence[tuple[bytes, dict[str, str]]]) -> float:
    """Return the responses per second to a few parallel clients."""

    def send(share: Sequence[tuple[bytes, dict[str, str]]]) -> None:
        for body, headers in share:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            response.read()
            connection.close()
            assert response.status == 200, response.status

    clients = [threading.Thread(target=send, args=[requests[number::CLIENTS]]) for number in range(CLIENTS)]
    started = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return len(requests) / (time.perf_counter() - started)


def start_server(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "benchmarks.webhook_application", "--bind", f"127.0.0.1:{port}"]
    # With several threads, the requests would wait for each other's locks in SQLite.
    server = subprocess.Popen(
        [*command, "--worker-class", "sync", "--threads", "1", "--log-level", "warning"], cwd=ROOT
    )
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server
        except OSError:
            time.sleep(0.1)


def measure(port: int) -> dict[str, list[float]]:
    """Return the rates of all rounds for each kind of request, after one round that warms up the server."""
    rates: dict[str, list[float]] = {"new": [], "repeated": [], "bare": []}
    for path in ("/stripe/webhook", "/bare"):
        rate(port, path, signed_events(EVENTS))
    for _ in range(ROUNDS):
        events = signed_events(EVENTS)
        rates["bare"].append(rate(port, "/bare", signed_events(EVENTS)))
        rates["new"].append(rate(port, "/stripe/webhook", events))
        rates["repeated"].append(rate(port, "/stripe/webhook", events))
    return rates


def prepare_database() -> None:
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
    User.objects.create(pk=7, email="ada@example.com")  # the user in the metadata of the invoices


def main() -> int:
    prepare_database()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = start_server(port)
    try:
        rates: dict[str, Any] = measure(port)
    finally:
        server.terminate()
        server.wait()
    new_ratio = statistics.median(new / bare for new, bare in zip(rates["new"], rates["bare"], strict=True))
    repeated_ratio = statistics.median(again / new for again, new in zip(rates["repeated"], rates["new"], strict=True))
    receipts = OutboundEmail.objects.exclude(idempotency_key__startswith="bare:").filter(kind="receipt").count()
    assert receipts == (ROUNDS + 1) * EVENTS, f"{receipts} receipts were queued"
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    print(", ".join(f"{name}: {value:.0f}/s" for name, value in medians.items()))
    is_reached = report("rate of new events / of the bare view", new_ratio, NEW_TARGET, at_least=True)
    is_reached &= report("rate of repeated / of new events", repeated_ratio, REPEATED_TARGET, at_least=True)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
