"""System checks: each finds its mistake, by its id, and none complains about a house in order."""

from types import SimpleNamespace

import pytest
from django.core import checks

from emails import checks as emails_checks
from emails.tests.support.fixtures_kinds import write_kind

__all__ = ["write_kind"]
OUTBOX = "emails.backends.outbox.OutboxBackend"


@pytest.fixture
def found(settings):
    """The ids of what the checks of this app find."""
    settings.EMAIL_BACKEND = OUTBOX

    def found(*, deploy: bool = False) -> list[str]:
        messages = checks.run_checks(include_deployment_checks=deploy, tags=["emails", "templates"])
        assert all(message.hint for message in messages)
        return sorted(str(message.id) for message in messages if str(message.id).startswith("emails."))

    return found


def test_correct_configuration_raises_no_check(found):
    assert found(deploy=True) == []


@pytest.mark.parametrize("provider", ["pigeon", ""])
def test_unknown_provider_is_reported(found, settings, provider):
    settings.EMAIL_PROVIDER = provider
    assert found(deploy=True) == ["emails.E001"]


@pytest.mark.parametrize("path", ["nowhere.Backend", "django.core.mail.backends.smtp.Nothing", "smtp", OUTBOX])
def test_backend_that_cannot_deliver_is_reported(found, settings, path):
    settings.EMAIL_DELIVERY_BACKEND = path
    assert found(deploy=True) == ["emails.E001"]


def test_backend_given_by_path_passes(found, settings):
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert found(deploy=True) == []


@pytest.mark.parametrize("provider", ["sequenzy", "resend", "sendgrid"])
def test_missing_key_warns_in_development_and_fails_deployment(found, settings, provider):
    settings.EMAIL_PROVIDER = provider
    setattr(settings, f"{provider.upper()}_API_KEY", "")
    assert found() == ["emails.W002"]
    assert found(deploy=True) == ["emails.E002", "emails.I001", "emails.W002"]


def test_lease_shorter_than_call_deadline_is_reported(found, settings):
    settings.EMAIL_LEASE_SECONDS = settings.EMAIL_CALL_DEADLINE_SECONDS
    assert found() == ["emails.E003"]


def test_backend_that_bypasses_the_outbox_is_reported(found, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert found() == []
    assert found(deploy=True) == ["emails.W001"]


def test_locmem_backend_passes(found, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert found(deploy=True) == []


@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html", "sample.json"])
def test_kind_with_missing_part_is_reported(found, write_kind, part):
    (write_kind("welcome") / part).unlink()
    assert found() == ["emails.E004"]


def test_invalid_sample_json_is_reported(found, write_kind):
    write_kind("welcome", sample="{")
    assert found() == ["emails.E004"]


def test_database_without_usable_clock_is_reported(found, monkeypatch):
    monkeypatch.setattr("emails.checks.connections", SimpleNamespace(all=lambda: [SimpleNamespace(vendor="oracle")]))
    assert found() == ["emails.E005"]


def test_malformed_webhook_secret_is_reported_without_its_value(settings):
    settings.RESEND_WEBHOOK_SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not one"]
    [error] = emails_checks.check_webhook_secrets(None)
    assert (error.id, "secret 2" in error.msg, "not one" in error.msg) == ("emails.E006", True, False)


def test_missing_webhook_secret_is_reported_with_the_url(settings):
    settings.EMAIL_PROVIDER = "sendgrid"
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = []
    [told] = emails_checks.check_events_come_home(None)
    assert "https://app.example.com/emails/webhooks/sendgrid/" in str(told.hint)
    settings.EMAIL_PROVIDER = "smtp"
    assert emails_checks.check_events_come_home(None) == []
