"""System checks for EMAIL_FALLBACK_PROVIDER: each mistake is reported under its ID."""

import pytest
from django.core import checks

from emails.tests.support.signed_events import SENDGRID_PUBLIC_KEY

OUTBOX = "emails.backends.outbox.OutboxBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def check_fallback(settings):
    """Return a function that sets the fallback of Resend and returns the messages of the checks."""
    settings.EMAIL_BACKEND = OUTBOX
    settings.EMAIL_PROVIDER = "resend"
    settings.RESEND_API_KEY = "re_key"
    settings.RESEND_WEBHOOK_SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    settings.SENDGRID_API_KEY = "SG.key"
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_PUBLIC_KEY]

    def check_fallback(value: str, *, deploy: bool = True) -> list[checks.CheckMessage]:
        settings.EMAIL_FALLBACK_PROVIDER = value
        return checks.run_checks(include_deployment_checks=deploy, tags=["emails"])

    return check_fallback


def ids(messages) -> list[str]:
    assert all(message.hint for message in messages)
    return [str(message.id) for message in messages]


@pytest.mark.parametrize("value", ["", "sendgrid", "smtp", SMTP, "emails.backends.SendGridBackend"])
def test_usable_fallback_raises_no_check(check_fallback, value):
    assert ids(check_fallback(value)) == []


@pytest.mark.parametrize(
    "value", ["mailgun", "resend", "Resend", "emails.backends.ResendBackend", OUTBOX, "nowhere.Backend", f"{SMTP}s"]
)
def test_unusable_fallback_is_an_error(check_fallback, value):
    assert ids(check_fallback(value, deploy=False)) == ["emails.E009"]


def test_path_of_the_first_provider_is_the_same_provider(check_fallback, settings):
    settings.EMAIL_DELIVERY_BACKEND = SMTP
    assert ids(check_fallback("smtp")) == ["emails.E009"]
    assert ids(check_fallback("sendgrid")) == []


@pytest.mark.parametrize("key", ["", "two words"])
def test_missing_key_of_the_fallback_is_an_error(check_fallback, settings, key):
    settings.SENDGRID_API_KEY = key
    [message] = check_fallback("sendgrid", deploy=False)
    assert message.id == "emails.E010"
    assert "SENDGRID_API_KEY" in message.msg


def test_webhook_secrets_of_both_providers_are_named(check_fallback, settings):
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = settings.RESEND_WEBHOOK_SECRETS = []
    messages = check_fallback("sendgrid")
    variables = {message.msg.split()[0] for message in messages}
    assert variables == {"RESEND_WEBHOOK_SECRETS", "SENDGRID_WEBHOOK_PUBLIC_KEYS"}
