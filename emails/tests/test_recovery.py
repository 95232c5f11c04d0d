"""A corrected setting takes effect when a process starts with it, without waiting for the end of an old pause."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emails.backends.fingerprint import settings_fingerprint
from emails.delivery.breaker import PROBE_EVERY
from emails.models import OutboundEmail, ProviderState, Status
from emails.monitoring import report
from emails.support.explanations import explain
from emails.tests.conftest import PROVIDERS
from emails.tests.support.clock import travel
from emails.tests.support.provider_rules import Reply

ROOT = Path(__file__).resolve().parent.parent.parent
QUOTA = Reply(429, {"name": "monthly_quota_exceeded", "message": "You have reached your monthly email quota."})


def statuses() -> set[str]:
    return set(OutboundEmail.objects.values_list("status", flat=True))


# The settings that are wrong at first. The fixture ``provider_api`` refuses a key with the word "wrong".
MISTAKES = {
    "missing key": ("API_KEY", ""),
    "key with a space": ("API_KEY", "re_ 123"),
    "refused key": ("API_KEY", "wrong-key"),
    "wrong port": ("API_URL", "http://127.0.0.1:1"),
    "URL without scheme": ("API_URL", "api.example.com"),
}


@pytest.fixture(params=MISTAKES)
def fix_mistake(request, provider, use_provider, queue_emails, deliver, settings):
    """Deliver with a wrong setting until the provider is paused, and return a function that corrects it."""
    use_provider(provider)
    name, wrong = MISTAKES[request.param]
    name = f"{provider.upper()}_{name}"
    right = getattr(settings, name)
    setattr(settings, name, wrong)
    queue_emails(3)
    while not ProviderState.objects.filter(name=provider).exclude(reason="").exists():
        deliver()
        travel(PROBE_EVERY)
    deliver()
    return lambda: setattr(settings, name, right)


def test_corrected_setting_takes_effect_at_once(fix_mistake, provider, deliver):
    assert Status.SENT not in statuses()
    fix_mistake()
    deliver()
    assert report().providers[provider] == {"state": "ok", "reason": ""}
    OutboundEmail.objects.update(due_at=ProviderState.objects.get().changed_at)
    deliver()
    assert statuses() == {Status.SENT}


@pytest.mark.parametrize("provider", ["resend"])
def test_web_process_does_not_repeat_an_outdated_reason(fix_mistake, provider):
    """The web process has started with the new settings, and no worker has."""
    before = report().providers[provider]
    assert "Restart every process" not in before["reason"]
    fix_mistake()
    after = report().providers[provider]
    assert after["state"] == before["state"] != "ok"
    assert f"The settings of {provider} have changed since it was paused. Restart every process" in after["reason"]
    assert "is not set" not in after["reason"]
    email = OutboundEmail.objects.latest("created_at")
    assert "is not set" not in explain(email).sentence


def test_pause_under_the_same_settings_stays(provider_api, queue_emails, deliver):
    provider_api.default = "401"
    queue_emails(3)
    deliver()
    calls = provider_api.calls
    deliver()
    assert provider_api.calls == calls


def test_other_key_ends_a_pause_for_quota(provider_api, queue_emails, deliver, settings):
    provider_api.default = QUOTA
    queue_emails(3)
    deliver()
    provider_api.default = "ok"
    settings.RESEND_API_KEY = "key-of-another-account"
    deliver()
    assert statuses() == {Status.SENT}


def test_setting_of_another_provider_changes_nothing(provider_api, queue_emails, deliver, settings):
    provider_api.default = "401"
    queue_emails(1)
    deliver()
    settings.SENDGRID_API_KEY = "another"
    deliver()
    assert provider_api.calls == 1


@pytest.mark.parametrize("name", [*PROVIDERS, "smtp", "acme.mail.Backend"])
def test_fingerprint_depends_on_settings_and_secret_key(settings, name):
    variable = "EMAIL_HOST_PASSWORD" if name not in PROVIDERS else f"{name.upper()}_API_KEY"
    fingerprints = set()
    for key in ("first-key", "second-key"):
        setattr(settings, variable, key)
        for secret in ("one", "two"):
            settings.SECRET_KEY = secret
            fingerprints.add(settings_fingerprint(name))
    assert len(fingerprints) == 4
    assert not any("key" in fingerprint for fingerprint in fingerprints)


def test_new_process_ends_the_pause_of_an_old_one(tmp_path, standin_server):
    """A worker without the key pauses the provider; the next one, a new process, has the key."""
    standin_server.reset()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "settings.test",
        "DATABASE_URL": f"sqlite:///{tmp_path}/recovery.sqlite3",
        "EMAIL_PROVIDER": "resend",
        "RESEND_API_URL": standin_server.url("resend"),
    }
    queue = (
        "from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
        "from django.core.mail import EmailMessage, get_connection\n"
        "outbox = get_connection('emails.backends.outbox.OutboxBackend')\n"
        "outbox.send_messages([EmailMessage('Hello', 'Hello', to=['ada@example.com'])])\n"
    )
    deliver = "import django; django.setup()\n{}from emails.delivery import deliver_due; deliver_due()"
    for key, code in (("", queue), ("re_key", "")):
        command = [sys.executable, "-c", deliver.format(code)]
        subprocess.run(command, cwd=ROOT, env=environment | {"RESEND_API_KEY": key}, check=True)
    assert len(standin_server.accepted) == 1
