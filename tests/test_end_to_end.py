"""End to end on real parts: gunicorn, a Celery worker with beat, PostgreSQL, Redis, and the provider's HTTP API."""

import json
import re
import socket
import time

import pytest
import requests

from emails.tests.support.signed_events import RESEND_SECRET, resend_event, sign_resend
from tests.support.stack import HUNG_AFTER, Stack, wait_until

PASSWORD = "correct horse battery"  # the password that Stack.signup uses


@pytest.fixture
def stack(make_stack, redis_server) -> Stack:
    stack: Stack = make_stack("resend", REDIS_URL=redis_server.url)
    stack.start_worker(wait=False)
    stack.start_web()
    return stack


def post(stack: Stack, path: str, body: dict[str, str], token: str = "") -> requests.Response:
    headers = {"Authorization": f"Token {token}"} if token else {}
    return requests.post(stack.url(f"/api/accounts/{path}/"), json=body, headers=headers, timeout=HUNG_AFTER)


def test_signup_leads_to_delivered_email_and_login(stack, provider_api):
    """Without beat: only the commit itself can wake the worker."""
    assert stack.signup("ada@example.com").json() == {"user": {"email": "ada@example.com", "name": "Ada"}}
    wait_until(lambda: stack.statuses() == {"sent": 1}, "the welcome email is sent")

    [mail] = provider_api.accepted
    assert mail.recipients == ["ada@example.com"]
    assert "https://app.example.com/dashboard" in mail.payload["text"]
    link = re.search(r"https://app\.example\.com/verify-email\?token=(\S+)", mail.payload["text"])
    assert link, mail.payload["text"]

    credentials = {"email": "ada@example.com", "password": PASSWORD}
    assert post(stack, "login", credentials).json()["code"] == "email_not_verified"
    verified = post(stack, "email/verify", {"token": link[1], "password": PASSWORD})
    assert verified.status_code == 200
    assert verified.json()["user"]["email_verified"] is True
    token = post(stack, "login", credentials).json()["token"]
    assert post(stack, "logout", {}, token).status_code == 204
    assert post(stack, "logout", {}, token).status_code == 401


def test_delivery_event_is_recorded(make_stack, redis_server, provider_api):
    """Over a real server: with a chunked body, with a repeat, and with malformed chunks."""
    stack = make_stack("resend", REDIS_URL=redis_server.url, RESEND_WEBHOOK_SECRETS=RESEND_SECRET)
    stack.queue(1)
    stack.start_worker(wait=False)
    stack.start_web()
    wait_until(lambda: stack.statuses() == {"sent": 1}, "sent")
    [(message_id,)] = stack.query("SELECT provider_message_id FROM emails_outboundemail")
    event = resend_event("email.delivered", message=message_id, to="person-0@example.com", at=time.time())
    body = json.dumps(event).encode()
    headers = {**sign_resend(body, str(int(time.time()))), "Content-Type": "application/json"}
    url = stack.url("/emails/webhooks/resend/")
    assert requests.post(url, data=iter([body[:9], body[9:]]), headers=headers, timeout=HUNG_AFTER).json()["new"] == 1
    assert requests.post(url, data=body, headers=headers, timeout=HUNG_AFTER).json()["new"] == 0
    assert stack.statuses() == {"delivered": 1}
    head = b"POST /emails/webhooks/resend/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", stack.port), timeout=HUNG_AFTER) as line:
        line.sendall(head + b"zz\r\n\r\n")
        assert line.recv(12) == b"HTTP/1.1 401"


def test_worker_faster_than_commit_loses_nothing(stack, provider_api):
    """The transaction stays open until the worker has looked for due emails."""
    stack.manage(
        "shell",
        "-v",
        "0",
        "-c",
        "from celery import current_app\n"
        "from django.core.mail import send_mail\n"
        "from django.db import transaction\n"
        "from emails.tasks import deliver_due\n"
        "worker = current_app.control.inspect(limit=1, timeout=10)\n"
        "def has_looked():\n"
        "    begun = [stats['total'] for stats in (worker.stats() or {}).values()]\n"
        "    return begun and begun[0] and (worker.active() or {}).popitem()[1] == []\n"
        "with transaction.atomic():\n"
        "    send_mail('Hello', 'Hello', None, ['ada@example.com'])\n"
        "    deliver_due.delay()\n"
        "    while not has_looked(): pass\n",
    )
    wait_until(lambda: stack.statuses() == {"sent": 1}, "sent")
    assert len(provider_api.accepted) == 1


def test_rolled_back_user_gets_no_email(stack, provider_api):
    stack.start_beat()
    stack.manage(
        "shell",
        "-v",
        "0",
        "-c",
        "from django.contrib.auth import get_user_model\n"
        "from django.db import transaction\n"
        "try:\n"
        "    with transaction.atomic():\n"
        "        get_user_model().objects.create_user('ghost@example.com', 'x', name='Ghost')\n"
        "        raise RuntimeError\n"
        "except RuntimeError: pass\n"
        "get_user_model().objects.create_user('ada@example.com', 'x', name='Ada')\n",
    )
    wait_until(lambda: stack.statuses() == {"sent": 1}, "sent")
    assert [email.recipients for email in provider_api.accepted] == [["ada@example.com"]]


@pytest.mark.slow
@pytest.mark.parametrize(("provider", "email_count", "calls"), [("sequenzy", 100, 5), ("resend", 1000, 1)])
def test_worker_stops_gracefully_while_delivering(make_stack, redis_server, provider_api, provider, email_count, calls):
    """After SIGTERM, no call starts, running calls finish and are settled, and the rest is queued again immediately."""
    provider_api.latency = 0.6
    stack = make_stack(provider, REDIS_URL=redis_server.url, EMAIL_DELIVERY_THREADS="2")
    stack.queue(email_count)
    stack.start_worker(wait=False)
    stack.start_beat()
    wait_until(lambda: provider_api.calls > calls, "the worker delivers")
    worker = stack.processes["worker"]
    worker.terminate()
    assert worker.wait(timeout=HUNG_AFTER) == 0
    statuses = stack.statuses()
    print(f"after SIGTERM: {statuses}")
    assert set(statuses) == {"queued", "sent"}
    assert len(provider_api.accepted) == statuses["sent"]
    provider_api.latency = 0
    stack.start_worker()
    wait_until(lambda: stack.statuses() == {"sent": email_count}, "the next worker goes on")
    assert len(provider_api.accepted) == email_count
