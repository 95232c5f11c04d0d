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


def test_a_house_in_order_is_quiet(found):
    assert found(deploy=True) == []


@pytest.mark.parametrize("provider", ["pigeon", ""])
def test_an_unknown_provider(found, settings, provider):
    settings.EMAIL_PROVIDER = provider
    assert found(deploy=True) == ["emails.E001"]


@pytest.mark.parametrize("path", ["nowhere.Backend", "django.core.mail.backends.smtp.Nothing", "smtp", OUTBOX])
def test_a_backend_that_cannot_deliver(found, settings, path):
    settings.EMAIL_DELIVERY_BACKEND = path
    assert found(deploy=True) == ["emails.E001"]


def test_a_backend_by_its_path(found, settings):
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert found(deploy=True) == []


@pytest.mark.parametrize("provider", ["sequenzy", "resend", "sendgrid"])
def test_a_missing_key_warns_at_home_and_stops_a_deployment(found, settings, provider):
    settings.EMAIL_PROVIDER = provider
    setattr(settings, f"{provider.upper()}_API_KEY", "")
    assert found() == ["emails.W002"]
    assert found(deploy=True) == ["emails.E002", "emails.I001", "emails.W002"]


def test_a_lease_that_ends_before_its_call(found, settings):
    settings.EMAIL_LEASE_SECONDS = settings.EMAIL_CALL_DEADLINE_SECONDS
    assert found() == ["emails.E003"]


def test_mail_past_the_outbox(found, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert found() == []
    assert found(deploy=True) == ["emails.W001"]


def test_the_backend_of_test_runs_is_no_mistake(found, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert found(deploy=True) == []


@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html", "sample.json"])
def test_a_kind_without_one_of_its_parts(found, write_kind, part):
    (write_kind("welcome") / part).unlink()
    assert found() == ["emails.E004"]


def test_a_sample_that_is_no_json(found, write_kind):
    write_kind("welcome", sample="{")
    assert found() == ["emails.E004"]


def test_a_database_without_a_clock_that_we_can_read(found, monkeypatch):
    monkeypatch.setattr("emails.checks.connections", SimpleNamespace(all=lambda: [SimpleNamespace(vendor="oracle")]))
    assert found() == ["emails.E005"]


def test_a_webhook_secret_of_the_wrong_form(settings):
    settings.RESEND_WEBHOOK_SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not one"]
    [error] = emails_checks.check_webhook_secrets(None)
    assert (error.id, "secret 2" in error.msg, "not one" in error.msg) == ("emails.E006", True, False)


def test_a_provider_whose_events_do_not_come_home(settings):
    settings.EMAIL_PROVIDER = "sendgrid"
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = []
    [told] = emails_checks.check_webhooks_are_set_up(None)
    assert "https://app.example.com/emails/webhooks/sendgrid/" in str(told.hint)
    settings.EMAIL_PROVIDER = "smtp"
    assert emails_checks.check_webhooks_are_set_up(None) == []
