"""A process that dies at any step of sending: nothing is sent before the commit, and everything once after it."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.stack import ROOT

EMAIL_COUNT = 12
QUEUE = f"""
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
outbox = get_connection("emails.backends.outbox.OutboxBackend")
with transaction.atomic():
    messages = [EmailMessage("Hello", "Hello", to=[f"person-{{n}}@example.com"]) for n in range({EMAIL_COUNT})]
    outbox.send_messages(messages)
"""
AND_WAIT_TO_BE_KILLED = "import time; time.sleep(60)"
DELIVER = "from emails.delivery import deliver_due; deliver_due()"
LET_THE_LEASES_END = """
from datetime import timedelta
from emails.tests.support.clock import travel
travel(timedelta(hours=1))
"""
FAILPOINTS = ["after-claim", "before-send", "after-send", "after-settle"]
LEFT = "from emails.models import OutboundEmail; print(OutboundEmail.objects.exclude(status='sent').count())"


class Project:
    """The project on a SQLite file, whose code runs in processes that may die."""

    def __init__(self, directory: Path, api_url: str) -> None:
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "DATABASE_URL": f"sqlite:///{directory}/crashes.sqlite3",
            "EMAIL_PROVIDER": "resend",
            "RESEND_API_KEY": "re_crashes",
            "RESEND_API_URL": api_url,
        }
        self.run("from django.core.management import call_command; call_command('migrate', verbosity=0)")

    def run(self, code: str, failpoints: str = "") -> subprocess.CompletedProcess[str]:
        script = f"import django; django.setup()\n{code}"
        environment = self.environment | {"EMAIL_FAILPOINTS": failpoints}
        return subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )


@pytest.fixture
def project(tmp_path, provider_api) -> Project:
    return Project(tmp_path, provider_api.url("resend"))


def test_worker_crash_loses_nothing_and_sends_nothing_twice(project, provider_api):
    """Crash at the first attempt and at its repeat; after five crashes in a row, a call would be quarantined."""
    for failpoint in FAILPOINTS:
        project.run(QUEUE)
        for _ in range(2):
            killed = project.run(f"{LET_THE_LEASES_END}\n{DELIVER}", f"{failpoint}:1")
            assert killed.returncode == -signal.SIGKILL
        project.run(f"{LET_THE_LEASES_END}\n{DELIVER}")
    assert project.run(LEFT).stdout.strip() == "0"
    copies = Counter(address for email in provider_api.accepted for address in email.recipients)
    assert len(copies) == EMAIL_COUNT
    assert set(copies.values()) == {len(FAILPOINTS)}


def test_crash_before_commit_sends_nothing(project, provider_api):
    assert project.run(QUEUE, failpoints="after-insert:1").returncode == -signal.SIGKILL
    assert project.run(LEFT).stdout.strip() == "0"


def test_crash_between_commit_and_wake_up_loses_nothing(project, provider_api):
    queued = project.run(QUEUE + AND_WAIT_TO_BE_KILLED, failpoints="before-wake-up:1")
    assert queued.returncode == -signal.SIGKILL
    project.run(DELIVER)
    assert len(provider_api.accepted) == EMAIL_COUNT
