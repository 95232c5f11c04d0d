"""Packages that don't know this project: their email goes through the outbox, and their backends deliver from it."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.mail import mail_admins

from emails.models import DeliveryAttempt, OutboundEmail, Reason, Status
from emails.tests.conftest import (  # noqa: F401  # fixtures of the emails app
    deliver,
    outbox,
    provider_api,
    queue_emails,
    standin_server,
)
from emails.tests.support.smtp_server import SmtpServer

TOKEN = "token-of-postmark-0123456789"

SIGN_UP_WITH_ALLAUTH = """
import django
django.setup()
from django.core.management import call_command
from django.test import Client
from emails.delivery import deliver_due
from emails.models import OutboundEmail
call_command("migrate", verbosity=0)
data = {"email": "ada@example.com", "password1": "correct horse battery staple"}
assert Client(headers={"host": "localhost"}).post("/allauth/signup/", data).status_code == 302
deliver_due()
print(list(OutboundEmail.objects.values_list("recipients", "subject", "status").order_by("created_at")))
"""


def test_allauth_confirmation_is_sent(provider_api, tmp_path):  # noqa: F811
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.support.allauth_settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/allauth.sqlite3",
        "RESEND_API_KEY": "key-of-resend",
        "RESEND_API_URL": provider_api.url("resend"),
    }
    command = [sys.executable, "-c", SIGN_UP_WITH_ALLAUTH]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Please Confirm Your Email Address" in done.stdout
    confirmations = [email.payload for email in provider_api.accepted if "Confirm" in email.payload["subject"]]
    assert confirmations[0]["to"] == ["ada@example.com"]
    assert "/allauth/confirm-email/" in confirmations[0]["text"]


@pytest.mark.urls("tests.support.third_party_urls")
def test_django_password_reset_is_sent(client, db, outbox, provider_api, deliver):  # noqa: F811
    get_user_model().objects.create_user("ada@example.com", "correct horse", name="Ada")
    OutboundEmail.objects.all().delete()
    assert client.post("/django/password_reset/", {"email": "ada@example.com"}).status_code == 302
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert "/django/reset/" in provider_api.accepted[0].payload["text"]


def test_mail_to_admins_is_sent(db, outbox, provider_api, deliver, settings):  # noqa: F811
    settings.ADMINS = [("Ada", "ada@example.com")]
    mail_admins("Something broke", "Look into the log.")
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert provider_api.accepted[0].recipients == ["ada@example.com"]


def test_smtp_delivers_rows(queue_emails, deliver, settings):  # noqa: F811
    with SmtpServer() as server:
        settings.EMAIL_PROVIDER = "smtp"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        queue_emails(3)
        deliver()
    assert set(OutboundEmail.objects.values_list("status", "provider")) == {(Status.SENT, "smtp")}
    assert len(server.messages) == 3


class Postmark(BaseHTTPRequestHandler):
    """The part of Postmark's API that Anymail needs."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        body = json.dumps(server.response).encode()
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep stderr quiet."""


@pytest.fixture
def postmark(settings):
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Postmark)
    server.requests, server.status = [], 200
    server.response = {"ErrorCode": 0, "Message": "OK", "MessageID": "m1", "To": "person-0@example.com"}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.EMAIL_DELIVERY_BACKEND = "anymail.backends.postmark.EmailBackend"
    url = f"http://127.0.0.1:{server.server_port}/"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": TOKEN, "POSTMARK_API_URL": url}
    yield server
    server.shutdown()
    server.server_close()


def test_anymail_postmark_delivers_rows(queue_emails, postmark, deliver):  # noqa: F811
    (row,) = queue_emails(tags=["welcome"], metadata={"user_id": "7"})
    deliver()
    row.refresh_from_db()
    assert row.status == Status.SENT
    assert (postmark.requests[0]["To"], postmark.requests[0]["Tag"]) == ("person-0@example.com", "welcome")


@pytest.mark.parametrize(("status", "reason"), [(401, Reason.CONFIGURATION), (422, Reason.REFUSED)])
def test_anymail_error_is_stored_without_the_token(queue_emails, postmark, deliver, caplog, status, reason):  # noqa: F811
    (row,) = queue_emails()
    postmark.status, postmark.response = status, {"ErrorCode": 10, "Message": f"The token {TOKEN} is not good"}
    deliver()
    row.refresh_from_db()
    assert row.reason == reason
    stored = str([*OutboundEmail.objects.values(), *DeliveryAttempt.objects.values()])
    assert TOKEN not in stored + caplog.text
