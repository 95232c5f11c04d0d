"""A process that dies at each step of a mail's way: before the commit nothing is sent, after it everything is, once."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.stack import ROOT

MAILS = 12
QUEUE = f"""
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
outbox = get_connection("emails.backends.outbox.OutboxBackend")
with transaction.atomic():
    outbox.send_messages([EmailMessage("Hello", "Hello", to=[f"person-{{n}}@example.com"]) for n in range({MAILS})])
import time; time.sleep(0.2)
"""
DELIVER = "from emails.delivery import deliver_due; deliver_due()"
LEFT = "from emails.models import OutboundEmail; print(OutboundEmail.objects.exclude(status='sent').count())"


class Project:
    """The project on a SQLite file, its code run in processes that may die."""

    def __init__(self, directory: Path, api_url: str) -> None:
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "DATABASE_URL": f"sqlite:///{directory}/crashes.sqlite3",
            "EMAIL_PROVIDER": "resend",
            "RESEND_API_KEY": "re_crashes",
            "RESEND_API_URL": api_url,
            "EMAIL_LEASE_SECONDS": "1",
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


@pytest.mark.slow
def test_a_worker_that_dies_at_any_step_loses_nothing_and_sends_nothing_twice(project, provider_api):
    """Few crashes at a time: a call that kills five workers in a row is rightly put into quarantine."""
    failpoints = "after-claim:0.1,before-send:0.03,after-send:0.03,after-settle:0.1"
    crashes = rounds = 0
    while crashes < 5 or project.run(LEFT).stdout.strip() != "0":
        assert rounds < 25, "five crashes in 25 rounds"
        project.run(QUEUE)
        rounds += 1
        crashes += project.run(DELIVER, failpoints).returncode == -signal.SIGKILL
        project.run(f"import time; time.sleep(1.1)  # the lease\n{DELIVER}")
    copies = Counter(address for mail in provider_api.accepted for address in mail.recipients)
    print(f"{crashes} crashes, {len(provider_api.accepted)} of {rounds * MAILS} arrived")
    assert len(copies) == MAILS
    assert set(copies.values()) == {rounds}


def test_a_process_that_dies_before_its_commit_sends_nothing(project, provider_api):
    assert project.run(QUEUE, failpoints="after-insert:1").returncode == -signal.SIGKILL
    assert project.run(LEFT).stdout.strip() == "0"


def test_a_process_that_dies_after_its_commit_and_before_the_bell_loses_nothing(project, provider_api):
    assert project.run(QUEUE, failpoints="before-wake-up:1").returncode == -signal.SIGKILL
    project.run(DELIVER)
    assert len(provider_api.accepted) == MAILS
