"""A worker that is killed during any call of a contact's change: another one finishes the change."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.stack import ROOT

QUEUE = """
from emails import contacts
contacts.subscribe("ada@example.com", first_name="Ada", attributes={"plan": "free"})
contacts.unsubscribe("ada@example.com")
contacts.change_address("ada@example.com", "ada@new.example", first_name="Ada", attributes={"plan": "pro"})
"""
DELIVER = """
from datetime import timedelta
from emails.delivery import deliver_due
from emails.tests.support.clock import travel
for _ in range(3):
    travel(timedelta(minutes=15))
    deliver_due()
"""
LEFT = "from emails.models import ContactChange; print(ContactChange.objects.filter(settled_at=None).count())"
IN_CI = ("resend", 6)
CALLS = [
    pytest.param(provider, call, marks=pytest.mark.slow if (provider, call) == IN_CI else pytest.mark.exhaustive)
    for provider, calls in {"sequenzy": 5, "resend": 10, "sendgrid": 11}.items()
    for call in range(calls)
]


@pytest.mark.parametrize(("provider", "call"), CALLS)
def test_killed_worker_leaves_the_change_to_another(provider_api, tmp_path, provider, call):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "settings.test",
        "DATABASE_URL": f"sqlite:///{tmp_path}/contacts.sqlite3",
        "CONTACTS_SYNC": "true",
        "EMAIL_PROVIDER": provider,
        "EMAIL_RATE_PER_SECOND": "0",
        f"{provider.upper()}_API_KEY": "key-of-contacts",
        f"{provider.upper()}_API_URL": provider_api.url(provider),
    }

    def start(code: str) -> subprocess.Popen[str]:
        script = f"import django; django.setup()\n{code}"
        return subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )

    def kill_at_call() -> Iterator[str]:
        """Let the calls pass, and kill the worker when one has been made but not answered."""
        yield from ["ok"] * call
        worker.kill()
        yield "cut-after"

    assert start(f"from django.core.management import call_command; call_command('migrate')\n{QUEUE}").wait() == 0
    provider_api.faults = kill_at_call()
    worker = start(DELIVER)
    assert worker.wait() == -9
    output, _ = start(DELIVER + LEFT).communicate()
    assert output.strip() == "0"
    api = provider_api.contact_apis[provider]
    assert api.state_of("ada@example.com") is None
    assert api.state_of("ada@new.example") == {
        "is_subscribed": False,
        "first_name": "Ada",
        "attributes": {"plan": "pro"},
    }
