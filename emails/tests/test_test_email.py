"""`manage.py test_email`: the provider's answer, or its error with what to do about it."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from emails.models import OutboundEmail
from emails.tests.conftest import PROVIDERS
from emails.tests.support.provider_rules import Reply
from emails.tests.test_relay import SmtpServer
from emails.tracking.suppressions import suppress


@pytest.fixture
def run(db, outbox, capsys):
    def run(*arguments: str) -> str:
        call_command("test_email", "ada@example.com", *arguments)
        return str(capsys.readouterr().out)

    return run


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_message_goes_out_now_and_its_id_is_told(run, api, outbox, provider):
    outbox(provider)
    said = run()
    assert f"{provider} accepted it as " in said
    assert api.accepted[0].recipients == ["ada@example.com"]
    assert "Acme" in api.accepted[0].payload["subject"]
    assert not OutboundEmail.objects.exists()


def test_of_a_kind_with_its_sample(run, api):
    run("--kind", "welcome")
    assert "Acme" in api.accepted[0].payload["subject"]
    assert "https://" in api.accepted[0].payload["html"]


def test_through_another_provider(run, api):
    assert "sendgrid accepted it" in run("--provider", "sendgrid")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_dry_run_prints_the_call_without_the_key_and_makes_none(run, api, provider):
    said = run("--dry-run", "--provider", provider)
    first, _, payload = said.partition("\n")
    assert first.startswith(f"POST {api.url(provider)}/")
    assert "ada@example.com" in json.dumps(json.loads(payload))
    assert f"key-of-{provider}" not in said
    assert api.calls == 0


def test_by_smtp(run, settings):
    with SmtpServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        assert "smtp accepted it but returned no message ID." in run("--provider", "smtp")
    assert b"ada@example.com" in server.mails[0]


def test_a_dry_run_of_smtp_prints_the_mail(run):
    assert "Content-Type: multipart/alternative" in run("--dry-run", "--provider", "smtp")


@pytest.mark.parametrize(
    ("answer", "advice"),
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
def test_an_error_comes_with_what_to_do(run, api, answer, advice):
    api.faults = [answer]
    with pytest.raises(CommandError, match=advice) as caught:
        run()
    assert "key-of-resend" not in str(caught.value)


def test_nobody_answers(run, settings):
    settings.RESEND_API_URL = "http://127.0.0.1:1"
    with pytest.raises(CommandError, match="Check RESEND_API_URL"):
        run()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kind", "nonsense"], "There is no kind 'nonsense'. The kinds are: already_registered, "),
        (["--provider", "nonsense"], "Set EMAIL_PROVIDER to one of console, smtp, sequenzy, resend, sendgrid"),
        (["--provider", "no.such.Backend"], "cannot be imported"),
        (["--provider", "os.path.join"], "is not a class"),
    ],
)
def test_what_does_not_exist_is_named(run, arguments, said):
    with pytest.raises(CommandError, match=said):
        run(*arguments)


def test_what_is_no_address(db, outbox):
    with pytest.raises(CommandError, match="is not a single email address"):
        call_command("test_email", "ada at example.com")


def test_a_key_that_is_not_set(run, settings):
    settings.RESEND_API_KEY = ""
    with pytest.raises(CommandError, match="RESEND_API_KEY is not set"):
        run()


def test_as_a_command_without_a_database_it_says_a_sentence(tmp_path):
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3", "EMAIL_PROVIDER": "console"}
    command = [sys.executable, "manage.py", "test_email", "ada@example.com"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "run manage.py migrate." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_suppressed_address_gets_nothing(run, api):
    suppress("ada@example.com", cause="complaint")
    with pytest.raises(CommandError, match="suppression list"):
        run()
    assert api.calls == 0
