"""docs/adding-a-provider.md, followed in a copy of the project: its code delivers the outbox and receives events."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clone import clone_into
from tests.support.postbird import Postbird
from tests.support.stack import ROOT

PAGE = (ROOT / "docs" / "adding-a-provider.md").read_text("utf-8")
FILES = dict(re.findall(r"`([\w/]+\.py)`:\n\n<!--.*?-->\n```python\n(.*?)```", PAGE, re.DOTALL))
[DIFF] = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
MAX_LINES = 100
SECRET = "postbird-secret-0123456789"
VARIABLES = {
    "EMAIL_PROVIDER": "postbird",
    "POSTBIRD_API_KEY": "pb_live_2vKq8sTn4Lm9Xw",
    "POSTBIRD_WEBHOOK_SECRETS": SECRET,
    "EMAIL_RATE_PER_SECOND": "0",
}
# What the page asks for in words, in the notation of its diff.
IN_WORDS = """--- .env.example
+# The API key for EMAIL_PROVIDER=postbird.
+POSTBIRD_API_KEY=
+# The base URL of Postbird's API [https://api.postbird.example].
+POSTBIRD_API_URL=
+# The secrets of Postbird's webhook, separated by commas [none].
+POSTBIRD_WEBHOOK_SECRETS=
 # The API key for EMAIL_PROVIDER=resend.
--- settings/placeholders.py
+    "POSTBIRD_API_KEY",
+    "POSTBIRD_WEBHOOK_SECRETS",
     "SENDGRID_API_KEY",
--- settings/production.py
+    "postbird": "POSTBIRD_API_KEY",
     "sendgrid": "SENDGRID_API_KEY",
--- emails/tracking/values.py
+    "POSTBIRD_API_KEY",
     "SENDGRID_API_KEY",
"""
# Queues 120 emails, and delivers them while calls fail: one is refused, and the response of another gets lost.
DELIVER = """
from collections import Counter
from datetime import timedelta
from django.core.mail import EmailMessage
from emails.delivery.drain import deliver_due
from emails.models import OutboundEmail
from emails.tests.support.clock import travel
for number in range(120):
    EmailMessage("Hello", "Text", "Acme <hello@acme.example>", [f"person-{number}@example.com"]).send()
for _ in range(6):
    deliver_due()
    travel(timedelta(minutes=10))
print(Counter(OutboundEmail.objects.values_list("status", flat=True)))
"""
# Signs an event about each of two messages, and one that is forged.
RECEIVE = """
import hashlib, hmac, json, time
from django.test import Client, override_settings
from emails.models import OutboundEmail, Suppression
def post(secret, **event):
    body, now = json.dumps(event).encode(), str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Postbird-Timestamp": now, "X-Postbird-Signature": signature}
    with override_settings(ALLOWED_HOSTS=["localhost"]):
        return Client(HTTP_HOST="localhost").post(
            "/emails/webhooks/postbird/", body, "application/json", headers=headers).status_code
first, second = OutboundEmail.objects.order_by("pk")[:2]
one = {"message": "x", "reference": str(first.pk), "recipient": first.recipients, "at": "2026-11-05T12:00:00Z"}
two = {"message": "y", "reference": str(second.pk), "recipient": second.recipients, "reason": "550"}
print(post("SECRET", type="delivered", **one))
print(post("SECRET", type="bounced", **two))
print(post("another-secret-0123456789", type="bounced"), post("SECRET", garbage=1))
print(*[OutboundEmail.objects.get(pk=row.pk).status for row in (first, second)], Suppression.objects.count())
"""


@pytest.fixture(scope="module")
def postbird() -> Iterator[Postbird]:
    with Postbird() as server:
        yield server


@pytest.fixture(scope="module")
def run(tmp_path_factory, postbird):
    """Provide a function that runs a command line in a copy of the project that has followed the page."""
    clone = clone_into(tmp_path_factory.mktemp("clone"))
    for name, content in FILES.items():
        (clone / name).write_text(content)
    apply(DIFF, clone)
    apply(IN_WORDS, clone)
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"VENV": sys.prefix, "PYTHONDONTWRITEBYTECODE": "1", "POSTBIRD_API_URL": postbird.url, **VARIABLES}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    run("bin/manage", "migrate", "-v0")
    return run


def apply(diff: str, clone: Path) -> None:
    """Change the files as the diff says. Its lines are parts of lines, and each must be there exactly one time."""
    for file in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        name, *lines = file.splitlines()
        text = (clone / name).read_text()
        for hunk in re.findall(r"(?:^[+].*\n)* .*\n|^-.*\n(?:^[+].*\n)+", "\n".join(lines) + "\n", re.MULTILINE):
            before = "\n".join(line[1:] for line in hunk.splitlines() if line[0] != "+")
            after = "\n".join(line[1:] for line in hunk.splitlines() if line[0] != "-")
            assert text.count(before) == 1, f"{name} has {text.count(before)} times: {before}"
            text = text.replace(before, after)
        (clone / name).write_text(text)


def test_everything_takes_less_than_100_lines():
    assert len(FILES) == 2
    assert sum(len(block.splitlines()) for block in [*FILES.values(), DIFF, *COMMANDS]) < MAX_LINES


@pytest.mark.slow
def test_page_leads_to_a_working_provider(run, postbird):
    run(sys.executable, "-m", "ruff", "check", ".")
    run(sys.executable, "-m", "ruff", "format", "--check", *FILES)
    run(sys.executable, "-m", "pytest", "-n0", "-q", "tests/test_environment.py", "-k", "example")
    run("sh", "-euc", COMMANDS[0])
    assert postbird.accepted[0]["to"] == ["you@example.com"]
    postbird.calls.clear()
    postbird.faults += ["lost", 503, 429]
    assert "Counter({'sent': 12" in run("bin/manage", "shell", "-v0", "-c", DELIVER)
    recipients = [message["to"][0] for message in postbird.accepted[1:]]
    assert sorted(recipients) == sorted(f"person-{number}@example.com" for number in range(120))
    assert max(len(json.loads(body)["messages"]) for _, body in postbird.calls) == 50
    lost_key, lost_body = postbird.calls[0]
    assert [body for key, body in postbird.calls if key == lost_key] == [lost_body, lost_body]
    lines = run("bin/manage", "shell", "-v0", "-c", RECEIVE.replace("SECRET", SECRET)).splitlines()
    assert lines[-4:] == ["200", "200", "401 200", "delivered bounced 1"]
