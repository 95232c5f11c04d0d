"""The ASGI application has the same limits as the WSGI application."""

import asyncio
import tempfile
from typing import Any

import pytest

from myproject.asgi import application

LIMIT = 64 * 1024
FORM = b"application/x-www-form-urlencoded"


def post(path: str, content_type: bytes, chunks: list[bytes], *headers: tuple[bytes, bytes]) -> int:
    """Send a body in chunks, and return the status."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", content_type), *headers],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
    }
    sent: list[Any] = []
    left = [*chunks]

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.sleep(3600)  # the client waits for the response
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(application(scope, receive, send))
    status: int = sent[0]["status"]
    return status


@pytest.fixture(autouse=True)
def no_temporary_files(tmp_path, monkeypatch):
    """Make every attempt to write a body to the disk fail."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))


@pytest.mark.parametrize("path", ["/login", "/admin/login/", "/nothing"])
@pytest.mark.parametrize("headers", [[], [(b"content-length", b"16384000")]], ids=["chunked", "announced"])
def test_large_body_is_refused_without_a_file(path, headers):
    assert post(path, FORM, [b"a" * 16_384] * 1_000, *headers) == 413


@pytest.mark.parametrize("path", ["/stripe/webhook", "/emails/webhooks/sequenzy"])
def test_webhook_reads_up_to_its_own_limit(path, settings):
    settings.STRIPE_WEBHOOK_SECRETS = settings.SEQUENZY_WEBHOOK_SECRETS = ["whsec_dGVzdA=="]
    assert post(path, b"application/json", [b"a" * 65_536] * 1_000) == 413


@pytest.mark.parametrize(
    "content_type",
    [FORM + b"; charset=hex", FORM + b"; charset*=utf-8''%00", b"text/plain; a*=nonsense''b", b"multipart/form-data"],
)
def test_unreadable_type_is_refused(content_type):
    assert post("/login", content_type, [b"a=b"]) in (400, 403)
