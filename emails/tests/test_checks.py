"""System checks: each reports its mistake under its ID, and a correct configuration is quiet."""

from types import SimpleNamespace

import pytest
from django.core import checks

from emails import checks as emails_checks
from emails.tests.support.fixtures_kinds import write_kind

__all__ = ["write_kind"]
OUTBOX = "emails.backends.outbox.OutboxBackend"


@pytest.fixture
def check_ids(settings):
    """Return a function that runs the checks of this app and returns the IDs of its messages."""
    settings.EMAIL_BACKEND = OUTBOX

    def check_ids(*, deploy: bool = False) -> list[str]:
        messages = checks.run_checks(include_deployment_checks=deploy, tags=["emails", "templates"])
        assert all(message.hint for message in messages)
        return sorted(str(message.id) for message in messages if str(message.id).startswith("emails."))

    return check_ids


def test_correct_configuration_raises_no_check(check_ids):
    assert check_ids(deploy=True) == []


@pytest.mark.parametrize("provider", ["pigeon", ""])
def test_unknown_provider_is_reported(check_ids, settings, provider):
    settings.EMAIL_PROVIDER = provider
    assert check_ids(deploy=True) == ["emails.E001"]


@pytest.mark.parametrize("path", ["nowhere.Backend", "django.core.mail.backends.smtp.Nothing", "smtp", OUTBOX])
def test_backend_that_cannot_deliver_is_reported(check_ids, settings, path):
    settings.EMAIL_DELIVERY_BACKEND = path
    assert check_ids(deploy=True) == ["emails.E001"]


def test_backend_given_by_path_passes(check_ids, settings):
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert check_ids(deploy=True) == []


@pytest.mark.parametrize("provider", ["sequenzy", "resend", "sendgrid"])
def test_missing_key_warns_in_development_and_fails_deployment(check_ids, settings, provider):
    settings.EMAIL_PROVIDER = provider
    setattr(settings, f"{provider.upper()}_API_KEY", "")
    assert check_ids() == ["emails.W002"]
    assert check_ids(deploy=True) == ["emails.E002", "emails.I001", "emails.W002"]


def test_lease_shorter_than_call_deadline_is_reported(check_ids, settings):
    settings.EMAIL_LEASE_SECONDS = settings.EMAIL_CALL_DEADLINE_SECONDS
    assert check_ids() == ["emails.E003"]


def test_backend_that_bypasses_the_outbox_is_reported(check_ids, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert check_ids() == []
    assert check_ids(deploy=True) == ["emails.W001"]


def test_locmem_backend_passes(check_ids, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert check_ids(deploy=True) == []


@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html", "sample.json"])
def test_kind_with_missing_part_is_reported(check_ids, write_kind, part):
    (write_kind("welcome") / part).unlink()
    assert check_ids() == ["emails.E004"]


def test_invalid_sample_json_is_reported(check_ids, write_kind):
    write_kind("welcome", sample="{")
    assert check_ids() == ["emails.E004"]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ surname }}", "MissingVariable: The email 'welcome' lacks the variable 'surname'"),
        ("{% if surname %}x{% endif %}", "MissingVariable"),
        ("{{ name.first }}", "MissingVariable: The email 'welcome' lacks the variable 'name.first'"),
        ("{% for %}", "TemplateSyntaxError"),
        ("{% extends 'nowhere.html' %}", "TemplateDoesNotExist: nowhere.html"),
        ("{% widthratio 1 1 name %}", "TemplateSyntaxError"),
    ],
)
@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html"])
def test_kind_that_its_sample_cannot_fill_is_named(check_ids, write_kind, part, template, problem):
    (write_kind("welcome") / part).write_text(template)
    assert check_ids() == ["emails.E007"]
    [error] = emails_checks.check_samples(None)
    assert "'welcome'" in error.msg
    assert problem in error.msg
    assert error.msg.endswith("(in en, de)")


def test_language_that_cannot_be_rendered_is_named(check_ids, write_kind):
    german_only = "{% load i18n %}{% get_current_language as code %}{% if code == 'de' %}{{ surname }}{% endif %}"
    (write_kind("welcome") / "body.txt").write_text(german_only)
    [error] = emails_checks.check_samples(None)
    assert error.msg.endswith("(in de)")


def test_kind_with_missing_part_is_reported_once(check_ids, write_kind):
    write_kind("welcome", html="{{ surname }}", sample="{")
    assert check_ids() == ["emails.E004"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "must contain a JSON object"),
        ('"waiting"', "must contain a JSON object"),
        ('{"priority": "urgent"}', "the priority 'urgent' is not one of waiting, normal, bulk."),
        ('{"priority": "Waiting"}', "the priority 'Waiting' is not one of"),
        ('{"priority": 0}', "the priority 0 is not one of"),
        ('{"priority": ["waiting"]}', "is not one of"),
        ('{"requested": "yes"}', "requested must be true or false"),
        ('{"request": true}', "'request' is not one of requested, priority"),
    ],
)
def test_unusable_kind_json_is_reported(check_ids, write_kind, content, problem):
    (write_kind("welcome") / "kind.json").write_text(content)
    assert check_ids() == ["emails.E008"]
    [error] = emails_checks.check_kinds(None)
    assert "welcome/kind.json" in error.msg
    assert problem in error.msg


@pytest.mark.parametrize("content", ["{}", '{"requested": true, "priority": "bulk"}', '{"priority": "normal"}'])
def test_correct_kind_json_passes(check_ids, write_kind, content):
    (write_kind("welcome") / "kind.json").write_text(content)
    assert check_ids() == []


def test_database_without_usable_clock_is_reported(check_ids, monkeypatch):
    monkeypatch.setattr("emails.checks.connections", SimpleNamespace(all=lambda: [SimpleNamespace(vendor="oracle")]))
    assert check_ids() == ["emails.E005"]


def test_malformed_webhook_secret_is_reported_without_its_value(settings):
    settings.RESEND_WEBHOOK_SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not one"]
    [error] = emails_checks.check_webhook_secrets(None)
    assert error.id == "emails.E006"
    assert "secret 2" in error.msg
    assert "not one" not in error.msg


def test_missing_webhook_secret_is_reported_with_the_url(settings):
    settings.EMAIL_PROVIDER = "sendgrid"
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = []
    [info] = emails_checks.check_webhooks_are_set_up(None)
    assert "https://app.example.com/emails/webhooks/sendgrid/" in str(info.hint)
    settings.EMAIL_PROVIDER = "smtp"
    assert emails_checks.check_webhooks_are_set_up(None) == []
