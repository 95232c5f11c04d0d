"""The log of a real web server: clients can neither forge lines, nor fill it, nor put secrets into it."""

import json
from typing import Any

import pytest

from tests.support.raw_http import request_bytes, send_raw
from tests.support.site import Site

TIMESTAMP = "2026-01-01"
FORGED = f"%0a{TIMESTAMP}%2000:00:00,000%20ERROR%20billing.events:%20FORGED"
SENT = [  # each of these contains a line break or another control character, raw or encoded
    request_bytes("GET", f"/nope{FORGED}"),
    request_bytes("GET", "/nope%0d%0a%1b%5b31m%c2%85%e2%80%a8%e2%80%ae%00"),
    request_bytes("GET", f"/api/nope{FORGED}"),
    request_bytes("GET", "/nope", {"User-Agent": f"x\x1b\x85{TIMESTAMP}", "Referer": "http://x/\x85?token=s3cret"}),
    request_bytes("GET", "/", {"Host": f"evil\x85{TIMESTAMP}"}),
    request_bytes("GET", "/", {"Host": "evil\xe2\x80\xae.example"}),
    request_bytes("GET", "/", {"Authorization": "Basic eAp5Ono="}),
    request_bytes("FORGED\x1b", "/"),
    request_bytes("GET", f"/\x1b[2K{TIMESTAMP}"),
    request_bytes("POST", f"/login{FORGED}", {"Content-Type": "text/plain; charset=\x85"}, b"a=b"),
    request_bytes("POST", "/emails/webhooks/resend", {"svix-id": f"x\x85{TIMESTAMP}"}, b"\x1b\n"),
    request_bytes("POST", "/stripe/webhook", {"Stripe-Signature": f"t=\x85{TIMESTAMP},v1=\x1b"}, b"\x1b\n"),
    request_bytes("GET", "/", {f"X-{TIMESTAMP}\x1b": "x"}),
    b"\x1b\n\x85\r\n\r\n",
]


def lines_after(site: Site, start: int) -> list[str]:
    text = (site.directory / "web.log").read_bytes()[start:].decode(errors="surrogateescape")
    return text.removesuffix("\n").split("\n")


@pytest.fixture
def start(site: Site) -> int:
    return (site.directory / "web.log").stat().st_size


@pytest.mark.parametrize("number", range(len(SENT)))
def test_no_control_character_reaches_the_log(site, start, number):
    send_raw(site.url, SENT[number])
    for line in lines_after(site, start):
        assert line.isprintable(), line
        assert not line.startswith(TIMESTAMP), line


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /login?token=s3cret HTTP/1.1",
        "GET /verify-email?token=s3cret HTTP/1.1",
        "GET http://localhost/login?token=s3cret HTTP/1.1",
        "GET /login?token=s3cret HTTP/9.9",
        "GET /login?token=s3cret and a space HTTP/1.1",
        "GET /login?token=s3cret\x1b HTTP/1.1",
        "get /login?token=s3cret HTTP/1.1",
        f"GET /login?token=s3cret{'x' * 10_000} HTTP/1.1",
    ],
)
def test_query_string_stays_out_of_the_log(site, start, request_line):
    head = f"{request_line}\r\nHost: localhost\r\nReferer: http://localhost/?token=s3cret\r\nConnection: close\r\n\r\n"
    send_raw(site.url, head.encode("latin-1"))
    assert "s3cret" not in "\n".join(lines_after(site, start))


def objects_after(site: Site, start: int) -> list[dict[str, Any]]:
    """Return the lines. Each is a JSON object, but the first may be the end of one that was being written."""
    return [json.loads(line) for line in lines_after(site, start) if line]


def is_access(line: dict[str, Any]) -> bool:
    return bool(line["logger"] == "gunicorn.access")


def test_access_log_names_path_and_status(site, start):
    send_raw(site.url, request_bytes("GET", "/no%20such%2fpage?a=b"))
    [line] = filter(is_access, objects_after(site, start))
    expected = {"client": "127.0.0.1", "method": "GET", "path": "/no%20such%2fpage?…", "status": 404}
    assert {name: line[name] for name in expected} == expected
    assert set(line) == {"time", "level", "logger", "message", "request_id", "bytes", "milliseconds", *expected}


@pytest.mark.parametrize("path", ["/unsubscribe/ada%40example.com", "/a@example.com/b", "/re_0123456789abcdef"])
def test_access_log_hides_addresses_and_keys_in_paths(site, start, path):
    send_raw(site.url, request_bytes("GET", path))
    text = "\n".join(lines_after(site, start))
    assert "example.com" not in text
    assert "re_0" not in text


FLOODS = {
    "wrong host": request_bytes("GET", "/", {"Host": "evil.example.com"}),
    "forged Stripe event": request_bytes("POST", "/stripe/webhook", body=b"{}"),
    "forged Resend event": request_bytes("POST", "/emails/webhooks/resend", body=b"{}"),
    "forged Sequenzy event": request_bytes("POST", "/emails/webhooks/sequenzy", body=b"{}"),
    "missing CSRF token": request_bytes("POST", "/login", body=b"a=b"),
    "missing page": request_bytes("GET", "/nothing"),
    "malformed request": b"GET / nonsense\r\n\r\n",
    "too many fields": request_bytes(
        "POST",
        "/login",
        {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={'a' * 32}"},
        b"a&" * 2000,
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_repeated_refusals_leave_few_short_lines(site, start, name):
    for _ in range(45):
        send_raw(site.url, FLOODS[name])
    lines = [line for line in objects_after(site, start) if not is_access(line)]
    assert len(lines) <= 2 * 20  # a minute may end in between
    # The first line of a minute also says what was left out.
    assert max((len(line["message"].partition(" [Left out earlier: ")[0]) for line in lines), default=0) < 250
    assert not [line for line in lines if "exception" in line or line["level"] == "ERROR"]


def test_receiver_without_a_secret_does_not_fill_the_log(site, start):
    for _ in range(45):
        send_raw(site.url, request_bytes("POST", "/emails/webhooks/sendgrid", body=b"{}"))
    lines = [line for line in lines_after(site, start) if "SENDGRID_WEBHOOK_PUBLIC_KEYS" in line]
    assert 1 <= len(lines) <= 2 * 20
