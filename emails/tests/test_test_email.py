"""The command `manage.py test_email`: it prints the provider's response, or the error with advice."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from emails.models import OutboundEmail
from emails.tests.conftest import PROVIDERS
from emails.tests.support.provider_rules import Reply
from emails.tests.support.smtp_server import SmtpServer
from emails.tracking.suppressions import suppress


@pytest.fixture
def run_test_email(db, outbox, capsys):
    def run_test_email(*arguments: str) -> str:
        call_command("test_email", "ada@example.com", *arguments)
        return str(capsys.readouterr().out)

    return run_test_email


@pytest.mark.parametrize("provider", PROVIDERS)
def test_email_is_sent_now_and_its_id_printed(run_test_email, provider_api, use_provider, provider):
    use_provider(provider)
    output = run_test_email()
    assert f"{provider} accepted it as " in output
    assert provider_api.accepted[0].recipients == ["ada@example.com"]
    assert "Acme" in provider_api.accepted[0].payload["subject"]
    assert not OutboundEmail.objects.exists()


def test_kind_is_rendered_with_its_sample(run_test_email, provider_api):
    run_test_email("--kind", "welcome")
    assert "Acme" in provider_api.accepted[0].payload["subject"]
    assert "https://" in provider_api.accepted[0].payload["html"]


def test_other_provider_can_be_chosen(run_test_email, provider_api):
    assert "sendgrid accepted it" in run_test_email("--provider", "sendgrid")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_dry_run_prints_the_call_without_the_key(run_test_email, provider_api, provider):
    output = run_test_email("--dry-run", "--provider", provider)
    first, _, payload = output.partition("\n")
    assert first.startswith(f"POST {provider_api.url(provider)}/")
    assert "ada@example.com" in json.dumps(json.loads(payload))
    assert f"key-of-{provider}" not in output
    assert provider_api.calls == 0


def test_smtp_is_supported(run_test_email, settings):
    with SmtpServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        assert "smtp accepted it but returned no message ID." in run_test_email("--provider", "smtp")
    assert b"ada@example.com" in server.messages[0]


def test_dry_run_of_smtp_prints_the_message(run_test_email):
    assert "Content-Type: multipart/alternative" in run_test_email("--dry-run", "--provider", "smtp")


@pytest.mark.parametrize(
    ("response", "advice"),
    [
        (Reply(401, {"name": "missing_api_key", "message": "x"}), "Check RESEND_API_KEY"),
        (Reply(403, {"name": "validation_error", "message": "The domain is not verified"}), "Verify the domain"),
        (Reply(422, {"name": "invalid_parameter", "message": "x"}), "won't accept this message"),
        (Reply(429, {"name": "rate_limit_exceeded", "message": "x"}, {"Retry-After": "7"}), "Try again in 7 seconds"),
        (Reply(429, {"name": "daily_quota_exceeded", "message": "x"}), "quota at resend is used up"),
        (Reply(503, {"message": "x"}), "is having problems"),
        ("cut-after", "Check the mailbox"),
    ],
)
def test_provider_error_comes_with_advice(run_test_email, provider_api, response, advice):
    provider_api.faults = [response]
    with pytest.raises(CommandError, match=advice) as caught:
        run_test_email()
    assert "key-of-resend" not in str(caught.value)


def test_unreachable_provider_comes_with_advice(run_test_email, settings):
    settings.RESEND_API_URL = "http://127.0.0.1:1"
    with pytest.raises(CommandError, match="Check RESEND_API_URL"):
        run_test_email()


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["--kind", "nonsense"], "There is no kind 'nonsense'. The kinds are: already_registered, "),
        (["--provider", "nonsense"], "Set EMAIL_PROVIDER to one of console, smtp, sequenzy, resend, sendgrid"),
        (["--provider", "no.such.Backend"], "cannot be imported"),
        (["--provider", "os.path.join"], "is not a class"),
    ],
)
def test_unknown_kind_or_provider_is_named(run_test_email, arguments, output):
    with pytest.raises(CommandError, match=output):
        run_test_email(*arguments)


def test_invalid_address_is_refused(db, outbox):
    with pytest.raises(CommandError, match="is not a single email address"):
        call_command("test_email", "ada at example.com")


def test_missing_api_key_is_named(run_test_email, settings):
    settings.RESEND_API_KEY = ""
    with pytest.raises(CommandError, match="RESEND_API_KEY is not set"):
        run_test_email()


def test_missing_database_is_explained_without_traceback(tmp_path):
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3", "EMAIL_PROVIDER": "console"}
    command = [sys.executable, "manage.py", "test_email", "ada@example.com"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "run manage.py migrate." in done.stderr
    assert "Traceback" not in done.stderr


def test_suppressed_address_gets_nothing(run_test_email, provider_api):
    suppress("ada@example.com", cause="complaint")
    with pytest.raises(CommandError, match="suppression list"):
        run_test_email()
    assert provider_api.calls == 0


def test_console_prints_the_message_and_says_that_nothing_was_sent(run_test_email, settings):
    settings.EMAIL_PROVIDER = "console"
    output = run_test_email()
    assert "To: ada@example.com" in output
    assert "Nothing was sent, because EMAIL_PROVIDER is console." in output
