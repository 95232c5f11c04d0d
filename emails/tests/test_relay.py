"""Delivery through any other Django backend, in particular SMTP."""

import contextlib
import io
import json
import smtplib
import uuid

import pytest
from django.core import mail as django_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from emails.backends import get_backend
from emails.backends.base import Acceptance
from emails.backends.relay import classify_send_error, status_of
from emails.errors import CallOutcome, InvalidMessage, ProviderError, Remedy
from emails.message import Message
from emails.tests.support.messages import KEY, full_message, mail
from emails.tests.support.smtp_server import SmtpServer

NOT_SENT_RETRY = (CallOutcome.NOT_SENT, Remedy.RETRY)
NOT_SENT_FIX = (CallOutcome.NOT_SENT, Remedy.FIX)
NOT_SENT_GIVE_UP = (CallOutcome.NOT_SENT, Remedy.GIVE_UP)
UNKNOWN = (CallOutcome.UNKNOWN, Remedy.RETRY)
ID = uuid.UUID(int=7)


@pytest.fixture
def smtp(settings):
    with SmtpServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        yield server


def request_for(message=None, provider="smtp"):
    backend = get_backend(provider)
    return backend.request([backend.serialize(Message.from_django(message or mail(), ID))])


def deliver(provider="smtp", message=None):
    return get_backend(provider).call(request_for(message, provider), idempotency_key=str(ID))


def failure(provider="smtp"):
    with pytest.raises(ProviderError) as caught:
        deliver(provider)
    assert caught.value.__context__ is None
    return caught.value


def test_email_is_sent_by_smtp(smtp):
    assert deliver() == Acceptance(("",))
    assert b"Subject: Hello\r\n" in smtp.messages[0]


def test_repeated_call_keeps_its_message_id_header(smtp):
    request = request_for()
    for _ in range(2):
        get_backend("smtp").call(request, idempotency_key=str(ID))
    assert all(f"Message-ID: <{ID}@acme.example>".encode() in copy for copy in smtp.messages)


def test_custom_message_id_header_is_kept(smtp):
    deliver(message=mail(headers={"message-id": "<own@acme.example>"}))
    assert b"<own@acme.example>" in smtp.messages[0]
    assert str(ID).encode() not in smtp.messages[0]


def test_stored_call_is_deterministic_and_complete():
    request = request_for(full_message())
    assert request == request_for(full_message())
    stored = Message.from_json(json.loads(request.body))
    assert stored.attachments == Message.from_django(full_message(), ID).attachments


def test_message_that_cannot_become_mime_is_refused_early(smtp):
    message = mail()
    message.attach_alternative("x", "calendar")
    with pytest.raises(InvalidMessage, match="MIME"):
        request_for(message)
    assert smtp.messages == []


@pytest.mark.parametrize(
    ("verb", "response", "expected", "status"),
    [
        ("GREETING", "421 busy", NOT_SENT_RETRY, 421),
        ("GREETING", "554 no", NOT_SENT_RETRY, 554),
        ("GREETING", "drop", NOT_SENT_RETRY, None),
        ("AUTH", "535 wrong password", NOT_SENT_FIX, 535),
        ("AUTH", "454 later", NOT_SENT_RETRY, 454),
        ("MAIL", "530 log in first", NOT_SENT_FIX, 530),
        ("MAIL", "451 later", NOT_SENT_RETRY, 451),
        ("MAIL", "550 no such sender", NOT_SENT_GIVE_UP, 550),
        ("RCPT", "450 greylisted", NOT_SENT_RETRY, 450),
        ("RCPT", "550 nobody of that name", NOT_SENT_GIVE_UP, 550),
        ("DATA", "451 later", NOT_SENT_RETRY, 451),
        ("DATA", "554 spam", NOT_SENT_GIVE_UP, 554),
        ("DOT", "452 full", NOT_SENT_RETRY, 452),
        ("DOT", "554 spam", NOT_SENT_GIVE_UP, 554),
        ("DOT", "drop", UNKNOWN, None),
        ("MAIL", "drop", UNKNOWN, None),
    ],
)
def test_smtp_response_is_classified(smtp, settings, verb, response, expected, status):
    if verb == "AUTH":
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ada", KEY
    smtp.script = {verb: response}
    error = failure()
    assert ((error.outcome, error.remedy), error.status) == (expected, status)
    assert KEY not in repr(vars(error))
    if status:
        assert response[4:] in str(error)


def test_mixed_recipient_refusals_are_temporary():
    error = smtplib.SMTPRecipientsRefused({"a@x.example": (550, b"no"), "b@x.example": (451, b"later")})
    assert classify_send_error(error)[:2] == NOT_SENT_RETRY
    assert status_of(error) == 451


def test_unreachable_smtp_server_means_not_sent(settings):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    error = failure()
    assert (error.outcome, error.remedy) == NOT_SENT_RETRY
    assert "ConnectionRefusedError" in error.detail


@pytest.mark.parametrize(("verb", "outcome"), [("DOT", CallOutcome.UNKNOWN), ("GREETING", CallOutcome.NOT_SENT)])
def test_silent_smtp_server_is_cut_at_the_deadline(smtp, settings, verb, outcome):
    """Before the greeting, only SMTP's own timeout applies: the deadline ends established connections."""
    settings.EMAIL_TIMEOUT = 0.3 if verb == "GREETING" else 60
    smtp.script = {verb: "silence"}
    assert failure().outcome == outcome


def test_error_after_delivery_does_not_undo_it(smtp):
    smtp.script = {"QUIT": "500 what"}
    assert deliver() == Acceptance(("",))


def test_console_backend_prints_nothing_if_the_development_inbox_shows_it(capsys, settings):
    settings.DEVELOPMENT_ROUTES = True
    assert deliver("console") == Acceptance(("",))
    assert capsys.readouterr().out == ""


def test_console_backend_prints_the_message(capsys):
    assert deliver("console") == Acceptance(("",))
    assert "Subject: Hello" in capsys.readouterr().out


def test_locmem_backend_works_by_its_path():
    deliver("django.core.mail.backends.locmem.EmailBackend")
    assert django_mail.outbox[-1].to == ["ada@example.com"]


class ScriptedBackend(BaseEmailBackend):
    """A backend that returns or raises what a test wants."""

    result: object = 1

    def send_messages(self, email_messages):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class AnymailLikeError(Exception):
    """An error like Anymail's: with a status code, and with the key in its text."""

    def __init__(self, status_code):
        super().__init__(f"Authorization: Bearer {KEY}")
        self.status_code = status_code


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (0, NOT_SENT_GIVE_UP),
        (AnymailLikeError(429), NOT_SENT_RETRY),
        (AnymailLikeError(401), NOT_SENT_FIX),
        (AnymailLikeError(422), NOT_SENT_GIVE_UP),
        (AnymailLikeError(500), UNKNOWN),
        (AnymailLikeError(None), UNKNOWN),
        (RuntimeError(KEY), UNKNOWN),
        (ConnectionResetError(104, "reset"), UNKNOWN),
        (TimeoutError("timed out"), UNKNOWN),
        (smtplib.SMTPServerDisconnected("gone"), UNKNOWN),
    ],
)
def test_error_of_any_backend_is_classified(monkeypatch, result, expected):
    monkeypatch.setattr(ScriptedBackend, "result", result)
    error = failure(f"{__name__}.ScriptedBackend")
    assert (error.outcome, error.remedy) == expected
    assert KEY not in repr(vars(error)) + str(error)


class PickyBackend(EmailBackend):
    """An SMTP backend that refuses an address, as Django's does from 6.0 on if it is outside ASCII."""

    def _send(self, email_message):
        raise ValueError("Invalid address")


def test_address_that_smtp_cannot_write_means_refused(smtp):
    error = failure(f"{__name__}.PickyBackend")
    assert (error.outcome, error.remedy) == NOT_SENT_GIVE_UP


def test_backend_that_returns_none_has_sent(monkeypatch):
    monkeypatch.setattr(ScriptedBackend, "result", None)
    assert deliver(f"{__name__}.ScriptedBackend") == Acceptance(("",))


def test_relay_is_also_a_django_backend():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        message = mail()
        assert get_backend("console").send_messages([message]) == 1
    assert message.provider_message_id == ""
