"""CPU time to receive one delivery event: verify, parse, store, and update the message.

    python benchmarks/event_cost.py            on SQLite, or on DATABASE_URL

Each event concerns another message and arrives in a request of its own, which passes every middleware. Prints the
milliseconds per event for each provider, measured in this process only. Target: at most 3 ms.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.mkdtemp()}/benchmark.sqlite3")

import django

django.setup()

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.mail import send_mail
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory

from benchmarks.figures import report
from common.db import database_now
from emails.models import OutboundEmail, Status
from emails.tests.support.signed_events import (
    RESEND_SECRET,
    SENDGRID_PUBLIC_KEY,
    SEQUENZY_SECRET,
    WEBHOOK_SENDERS,
    WebhookSender,
)

TARGET_MS = 3.0
EVENTS = 450
ROUND = 30
DELIVERED = {"sequenzy": "email.delivered", "resend": "email.delivered", "sendgrid": "delivered"}

handler = WSGIHandler()


def signed_requests(sender: WebhookSender, rows: list[OutboundEmail]) -> list[dict]:
    """Return the WSGI environments of signed requests, one for each message. Signing is not part of the measurement."""
    environments = []
    for row in rows:
        our_id = {} if sender.provider == "sequenzy" else {"our_id": row.pk}
        event = sender.event(
            DELIVERED[sender.provider], message=row.provider_message_id, to="ada@example.com", at=time.time(), **our_id
        )
        body = json.dumps(event).encode()
        path, headers = f"/emails/webhooks/{sender.provider}", sender.sign(body, str(int(time.time())))
        request = RequestFactory(SERVER_NAME="localhost").post(
            path, body, content_type="application/json", headers=headers
        )
        environments.append(request.environ)
    return environments


def milliseconds_cpu(provider: str) -> float:
    """Return the median CPU time per event, over rounds of 30 events."""
    for number in range(EVENTS):
        send_mail("Hello", "Hello there.", None, [f"person-{number}@example.com"])
    rows = list(OutboundEmail.objects.filter(status=Status.QUEUED))
    for row in rows:
        row.provider, row.provider_message_id, row.status = provider, f"{provider}-{row.pk}", Status.SENT
        row.sent_at = row.settled_at = database_now()
        row.due_at = None
    OutboundEmail.objects.bulk_update(
        rows, ["provider", "provider_message_id", "status", "sent_at", "settled_at", "due_at"]
    )
    environments = signed_requests(WEBHOOK_SENDERS[provider](), rows)
    costs = []
    for first in range(0, EVENTS, ROUND):
        started = time.process_time()
        statuses = {handler(environ, lambda *_: None).status_code for environ in environments[first : first + ROUND]}
        costs.append((time.process_time() - started) / ROUND * 1000)
        assert statuses == {200}
    delivered = OutboundEmail.objects.filter(provider=provider, status=Status.DELIVERED).count()
    assert delivered == EVENTS, f"only {delivered} of {EVENTS} messages are delivered"
    return statistics.median(costs)


def main() -> int:
    call_command("migrate", verbosity=0)
    connection.settings_dict["CONN_MAX_AGE"] = 60  # as in production
    connection.close()
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.SEQUENZY_WEBHOOK_SECRETS = [SEQUENZY_SECRET]
    settings.RESEND_WEBHOOK_SECRETS = [RESEND_SECRET]
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_PUBLIC_KEY]
    costs = {provider: milliseconds_cpu(provider) for provider in WEBHOOK_SENDERS}
    reached = [
        report(f"CPU to receive an event, {provider}", cost, TARGET_MS, " ms") for provider, cost in costs.items()
    ]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
