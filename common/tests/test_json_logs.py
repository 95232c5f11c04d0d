"""JSON lines: their fields, the IDs that connect them, and what is removed from them."""

import json
import logging
import sqlite3
import sys
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from common.log_context import about, carried_ids, current_ids, origin
from common.logs import JsonFormatter
from common.redaction import cleaned
from common.request_ids import request_id_middleware
from common.task_logs import add_headers, begin_task, end_task

SIGNED = "eyJ1c2VyIjo3fQ:1vN2Kc:k3X9fQ0mJZ2o5a8vT4yPq7sRwLxUeBdGhIjKlMnOpQr"
SECRETS = [
    "ada@example.com",
    "ada%40example.com",
    "Ada.Lovelace+tag@mail.example.co.uk",
    '"ada b"@example.com',
    "zoë@exämple.de",
    "Bearer abcdef123",
    "re_0123456789ab",
    "whsec_0123456789ab",
    SIGNED,
    SIGNED.replace(":", "%3A"),
    "0123456789abcdef" * 4,
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
    "pbkdf2_sha256$870000$salt$hash=",
]
HARMLESS = [
    "Message 6f0c1d5e-0c51-4f2c-9df1-0d9d1c6b5a55 was accepted by resend as 49a3999c-0ce1-4ea6-ab68-afcd6dc2e794.",
    "celery@worker-1 ready.",
    "Stripe event evt_1SPb85AKq4RtYw2VdInvPaid (invoice.paid) is stored.",
    "GET /settings/plans 200",
    "2026-11-26T22:41:00.123+00:00",
    "Connected to redis://127.0.0.1:6379/0",
]


def line_of(message: str, *args: object, error: BaseException | None = None, **attributes: Any) -> dict[str, Any]:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("app", logging.ERROR, "app.py", 1, message, args, exc_info)
    vars(record).update(attributes)
    text = JsonFormatter().format(record)
    assert text.isascii()
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def caught(error: Exception) -> BaseException:
    try:
        raise error
    except Exception:
        return sys.exc_info()[1] or error


def test_line_has_the_documented_fields():
    line = line_of("Zoë paid %d €", 5)
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "app", "Zoë paid 5 €")
    assert line["time"].endswith("+00:00")
    assert set(line) == {"time", "level", "logger", "message"}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "text", ["%s", "Invalid `to`: <%s>, again", "GET /people/%s/edit?a=b 404", "url: /x?token=%s&b"]
)
def test_secrets_are_removed_from_messages_and_exceptions(secret, text):
    error = caught(ValueError(text % secret))
    error.__cause__ = caught(RuntimeError(f"caused by {secret}"))
    error.add_note(secret)
    assert secret not in json.dumps(line_of(text, secret, error=error), ensure_ascii=False)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text):
    assert cleaned(text) == text


def test_passwords_in_urls_are_removed():
    assert "s3cret" not in cleaned("postgres://shop:s3cret@db.internal:5432/shop and redis://:s3cret@redis:6379/0")


def test_secrets_of_the_settings_are_removed(settings):
    assert settings.SECRET_KEY not in cleaned(f"The key is {settings.SECRET_KEY}.")


def test_rows_that_a_database_quotes_are_removed():
    error = psycopg.errors.CheckViolation(
        'new row violates check constraint "kind"\nDETAIL:  Failing row contains (7, Zanzibar, null).'
    )
    assert "Zanzibar" not in json.dumps(line_of("Failed.", error=caught(error)))
    statement = sqlite3.OperationalError("no such column: x\nLINE 1: INSERT INTO a VALUES ('Zanzibar')")
    assert "Zanzibar" not in json.dumps(line_of("Failed.", error=caught(statement)))


def test_long_lines_do_not_take_long():
    assert len(json.dumps(line_of("@%s", "a@" * 500_000))) < 10_000


def test_email_adds_its_ids_without_a_query():
    email = SimpleNamespace(id="m-1", recipients="ada@example.com", metadata={"origin": {"request_id": "r-1"}})
    line = line_of("Sent.", email=email)
    assert (line["message_id"], line["request_id"]) == ("m-1", "r-1")
    with about(request_id="r-2"):
        line = line_of("Delivered.", email=email)
    assert (line["request_id"], line["origin_request_id"]) == ("r-2", "r-1")
    assert line_of("Synced.", email=SimpleNamespace(id=7))["contact_change_id"] == "7"


def test_line_after_the_middleware_has_the_requests_id():
    assert line_of("Not found", request=SimpleNamespace(META={"request_id": "r-1"}))["request_id"] == "r-1"
    assert "request_id" not in line_of("Not found", request=object())


def test_ids_end_with_their_block():
    with about(request_id="r-1"), about(stripe_event_id="evt_1", task_id="t-1"):
        assert carried_ids() == {"request_id": "r-1", "stripe_event_id": "evt_1"}
        assert origin() == {"origin": carried_ids()}
    assert current_ids() == {}
    assert origin() == {}


def test_middleware_returns_the_id_of_the_request():
    seen = []

    def view(request):
        seen.append(dict(current_ids()))
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Request-ID": "client-1"})
    assert request_id_middleware(view)(request)["X-Request-ID"] == "client-1"
    assert (seen, request.META["request_id"], current_ids()) == ([{"request_id": "client-1"}], "client-1", {})


@pytest.mark.parametrize(
    "header", ["", " ", "a b", "a\nb", "a\x1b", "x" * 129, "é", "-a", "ada@example.com", "re_012345678"]
)
def test_malformed_id_is_replaced(header):
    request = RequestFactory().get("/")
    request.META["HTTP_X_REQUEST_ID"] = header
    generated = request_id_middleware(lambda _: HttpResponse())(request)["X-Request-ID"]
    assert len(generated) == 32
    assert generated.isalnum()


def test_ids_follow_into_a_task():
    headers: dict[str, Any] = {}
    with about(request_id="r-1", task_id="not carried"):
        add_headers(headers=headers)
    assert headers == {"request_id": "r-1"}
    task: Any = SimpleNamespace(name="t", request=SimpleNamespace(**headers, request_ids=["r-2", "not good"]))
    begin_task(task_id="t-1", task=task)
    assert current_ids() == {"task_id": "t-1", "request_id": "r-1"}
    end_task(task=task)
    assert current_ids() == {}
