"""Large bodies, sent to a real web server: a 413 before they are read, and nothing on the disk."""

import os
import socket
from contextlib import suppress

import pytest

from tests.support.raw_http import RawResponse, parse, request_bytes, send_raw
from tests.support.routes import page_paths
from tests.support.site import Site
from tests.support.stack import HUNG_AFTER

LIMIT = 64 * 1024
CSRF = {"Cookie": f"csrftoken={'a' * 32}; __Host-csrftoken={'a' * 32}"}
TYPES = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "text/plain", ""]
FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
MEGABYTE = b"\0" * 1024 * 1024
UPLOAD_MEGABYTES = 32


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def assert_is_too_large(response: RawResponse) -> None:
    assert response.status == 413
    assert response.header("Content-Security-Policy")
    assert b">413</span>" in response.body


@pytest.mark.parametrize("length", [3_000_000, 300_000_000, 10**17, 10**40])  # more than gunicorn's worker buffers
@pytest.mark.parametrize("content_type", TYPES)
def test_announced_length_is_refused_unread(site: Site, content_type, length):
    headers = {"Content-Type": content_type, "Content-Length": str(length), **CSRF}
    assert_is_too_large(send_raw(site.url, request_bytes("POST", "/login", headers)))


@pytest.mark.parametrize("path", page_paths())
def test_every_page_has_the_limit(site: Site, path):
    announced = {"Content-Type": TYPES[1], "Content-Length": "300000000", **CSRF}
    assert send_raw(site.url, request_bytes("POST", path, announced)).status == 413
    streamed = {"Content-Type": TYPES[0], "Transfer-Encoding": "chunked", **CSRF}
    assert send_raw(site.url, request_bytes("POST", path, streamed, chunked(b"a" * (LIMIT + 1)))).status == 413


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
def test_limit_counts_bytes(site: Site, size):
    status = 413 if size > LIMIT else 403  # the CSRF token is missing
    headers = {"Content-Type": TYPES[0], **CSRF}
    assert send_raw(site.url, request_bytes("POST", "/login", headers, b"a" * size)).status == status
    headers["Transfer-Encoding"] = "chunked"
    assert send_raw(site.url, request_bytes("POST", "/login", headers, chunked(b"a" * size))).status == status


def test_files_are_ignored(site: Site):
    body = FILE + b"content\r\n--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n"
    response = send_raw(site.url, request_bytes("POST", "/login", {"Content-Type": TYPES[1], **CSRF}, body))
    assert response.status == 403  # the CSRF token is missing


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/accounts/login/", LIMIT + 1, 400),
        ("/api/accounts/login/", 3_000_000, 400),
        ("/stripe/webhook", 512 * 1024 + 1, 413),
        ("/emails/webhooks/resend", 2 * 1024 * 1024 + 1, 413),
    ],
)
def test_api_and_webhooks_keep_their_limits(site: Site, path, size, status):
    assert send_raw(site.url, request_bytes("POST", path, body=b" " * size)).status == status
    stream = {"Transfer-Encoding": "chunked"}
    assert send_raw(site.url, request_bytes("POST", path, stream, chunked(b" " * size))).status == status


def upload(site: Site, path: str, headers: dict[str, str]) -> tuple[RawResponse, list[str]]:
    """Send the start of a large file. Return the response, and the server's temporary files during the request."""
    received = b""
    is_chunked = "Transfer-Encoding" in headers
    with socket.create_connection(("127.0.0.1", int(site.url.rpartition(":")[2])), timeout=HUNG_AFTER) as line:
        with suppress(OSError):  # the server responds and closes the connection before it has read everything
            line.sendall(request_bytes("POST", path, headers))
            for part in (FILE, *[MEGABYTE] * UPLOAD_MEGABYTES):
                line.sendall(b"%x\r\n%s\r\n" % (len(part), part) if is_chunked else part)
        files = os.listdir(site.temporary_folder)
        with suppress(OSError):
            line.shutdown(socket.SHUT_WR)
            while piece := line.recv(65_536):
                received += piece
    return parse(received), files


@pytest.mark.parametrize("path", ["/login", "/admin/login/", "/nothing", "/api/accounts/login/"])
@pytest.mark.parametrize("length", [{"Content-Length": "300000000"}, {"Transfer-Encoding": "chunked"}], ids=str)
def test_upload_writes_nothing_to_the_disk(site: Site, path, length):
    response, files = upload(site, path, {"Content-Type": TYPES[1], **CSRF, **length})
    assert files == []
    assert response.status in (0, 400, 413)  # 0: the connection was reset while the client was still sending
