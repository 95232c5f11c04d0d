"""Delivery through any other Django backend, SMTP first of all."""

import contextlib
import io
import json
import smtplib
import socket
import threading
import time
import uuid

import pytest
from django.core import mail as django_mail
from django.core.mail.backends.base import BaseEmailBackend

from emails.backends import get_backend
from emails.backends.base import Acceptance
from emails.backends.relay import classify_send_error, status_of
from emails.errors import CallOutcome, InvalidMessage, ProviderError, Remedy
from emails.message import Message
from emails.tests.support.messages import KEY, mail
from emails.tests.test_message import full_message

NOT_SENT_RETRY = (CallOutcome.NOT_SENT, Remedy.RETRY)
NOT_SENT_FIX = (CallOutcome.NOT_SENT, Remedy.FIX)
NOT_SENT_GIVE_UP = (CallOutcome.NOT_SENT, Remedy.GIVE_UP)
UNKNOWN = (CallOutcome.UNKNOWN, Remedy.RETRY)
ID = uuid.UUID(int=7)


class SmtpServer:
    """A real SMTP server on loopback; `script` maps a command to its answer, "drop" hangs up, "silence" waits."""

    def __init__(self):
        self.mails = []
        self.script = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rwb") as line, contextlib.suppress(OSError, EOFError):
            self._answer(line, "GREETING", "220 here")
            while command := line.readline().decode().strip():
                verb = command.split(" ")[0].split(":")[0].upper()
                self._answer(
                    line, verb, {"DATA": "354 go on", "EHLO": "250-here\r\n250 AUTH PLAIN"}.get(verb, "250 fine")
                )
                if verb == "DATA" and not self.script.get("DATA", "354").startswith(("4", "5")):
                    self._take(line)

    def _take(self, line):
        lines = []
        while (text := line.readline()) not in (b".\r\n", b""):
            lines.append(text)
        self.mails.append(b"".join(lines))
        self._answer(line, "DOT", "250 taken")

    def _answer(self, line, verb, usual):
        answer = self.script.get(verb, usual)
        if answer == "drop":
            raise EOFError
        if answer == "silence":
            time.sleep(3)
        line.write(answer.encode() + b"\r\n")
        line.flush()


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


def test_a_mail_goes_out_by_smtp(smtp):
    assert deliver() == Acceptance(("",))
    assert b"Subject: Hello\r\n" in smtp.mails[0]


def test_every_repeat_carries_the_same_message_id(smtp):
    request = request_for()
    for _ in range(2):
        get_backend("smtp").call(request, idempotency_key=str(ID))
    assert all(f"Message-ID: <{ID}@acme.example>".encode() in copy for copy in smtp.mails)


def test_a_message_id_of_ones_own_is_kept(smtp):
    deliver(message=mail(headers={"message-id": "<own@acme.example>"}))
    assert b"<own@acme.example>" in smtp.mails[0]
    assert str(ID).encode() not in smtp.mails[0]


def test_the_stored_call_is_deterministic_and_complete():
    request = request_for(full_message())
    assert request == request_for(full_message())
    stored = Message.from_json(json.loads(request.body))
    assert stored.attachments == Message.from_django(full_message(), ID).attachments


def test_what_cannot_become_mime_is_refused_before_any_call(smtp):
    message = mail()
    message.attach_alternative("x", "calendar")
    with pytest.raises(InvalidMessage, match="MIME"):
        request_for(message)
    assert smtp.mails == []


@pytest.mark.parametrize(
    ("verb", "answer", "expected", "status"),
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
def test_smtp_answers(smtp, settings, verb, answer, expected, status):
    if verb == "AUTH":
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ada", KEY
    smtp.script = {verb: answer}
    error = failure()
    assert ((error.outcome, error.remedy), error.status) == (expected, status)
    assert KEY not in repr(vars(error))
    if status:
        assert answer[4:] in str(error)


def test_some_recipients_refused_for_now_and_some_for_good_is_for_now():
    error = smtplib.SMTPRecipientsRefused({"a@x.example": (550, b"no"), "b@x.example": (451, b"later")})
    assert classify_send_error(error)[:2] == NOT_SENT_RETRY
    assert status_of(error) == 451


def test_nobody_there(settings):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    error = failure()
    assert (error.outcome, error.remedy) == NOT_SENT_RETRY
    assert "ConnectionRefusedError" in error.detail


@pytest.mark.parametrize(("verb", "outcome"), [("DOT", CallOutcome.UNKNOWN), ("GREETING", CallOutcome.NOT_SENT)])
def test_a_silent_server_is_left_at_the_deadline(smtp, settings, verb, outcome):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0.4
    settings.EMAIL_TIMEOUT = 1
    smtp.script = {verb: "silence"}
    began = time.monotonic()
    assert failure().outcome == outcome
    assert time.monotonic() - began < 2


def test_hanging_up_badly_does_not_undo_the_delivery(smtp):
    smtp.script = {"QUIT": "500 what"}
    assert deliver() == Acceptance(("",))


def test_the_console(capsys):
    assert deliver("console") == Acceptance(("",))
    assert "Subject: Hello" in capsys.readouterr().out


def test_locmem_by_its_path():
    deliver("django.core.mail.backends.locmem.EmailBackend")
    assert django_mail.outbox[-1].to == ["ada@example.com"]


class ScriptedBackend(BaseEmailBackend):
    """Any backend may answer anything."""

    result: object = 1

    def send_messages(self, email_messages):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class AnymailLikeError(Exception):
    """Shaped as Anymail's: a status code, and a text that holds the key."""

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
def test_any_backends_trouble(monkeypatch, result, expected):
    monkeypatch.setattr(ScriptedBackend, "result", result)
    error = failure(f"{__name__}.ScriptedBackend")
    assert (error.outcome, error.remedy) == expected
    assert KEY not in repr(vars(error)) + str(error)


def test_a_backend_that_counts_nothing_has_sent(monkeypatch):
    monkeypatch.setattr(ScriptedBackend, "result", None)
    assert deliver(f"{__name__}.ScriptedBackend") == Acceptance(("",))


def test_a_relay_is_a_django_backend_too():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        message = mail()
        assert get_backend("console").send_messages([message]) == 1
    assert message.provider_message_id == ""
