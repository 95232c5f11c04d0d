"""Slow clients occupy no thread of the web server: while they are connected, it answers everyone else."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.raw_http import parse, request_bytes, send_raw
from tests.support.site import Site
from tests.support.stack import HUNG_AFTER, ROOT, free_port, wait_until

CLIENTS = 40  # more than ten for each of the site's threads
LARGE_FILE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"

HEAD = b"GET /login HTTP/1.1\r\nHost: localhost\r\n"
LOGIN = b"POST /api/accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BEGINNINGS = {
    "nothing": b"",
    "first byte": b"G",
    "half a head": HEAD + b"X-Slow: a",
    "body missing": LOGIN + b"Content-Length: 1000\r\n\r\n",
    "half a body": LOGIN + b"Content-Length: 1000\r\n\r\n" + b'{"email": "',
    "half a chunk": LOGIN + b'Transfer-Encoding: chunked\r\n\r\n100\r\n{"email": "',
    "no last chunk": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "half a trailer": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Slow: a\r\n",
    "continue expected": LOGIN + b"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
    "large body": LOGIN + b"Content-Length: 300000000\r\n\r\n" + b"a" * 1000,
    "large chunk": LOGIN + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n{",
    "large webhook": b"POST /stripe/webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n{",
    "half of a second request": request_bytes("GET", "/healthz", {"Connection": "keep-alive"}) + b"GET /he",
}


def connect(site: Site) -> socket.socket:
    line = socket.socket()
    # The window of a client that reads nothing. By default, a response of some 100 kB would fit into it.
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(HUNG_AFTER)
    line.connect((urlsplit(site.url).hostname, urlsplit(site.url).port))
    return line


@contextmanager
def clients(site: Site, sends: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as cleanup:
        lines = [cleanup.enter_context(connect(site)) for _ in range(CLIENTS)]
        for line in lines:
            line.sendall(sends)
        yield lines


def answers(site: Site) -> list[int]:
    """The status of some requests, or an exception if the web server doesn't answer."""
    paths = ["/healthz"] * 5 + ["/login"]
    return [requests.get(site.url + path, timeout=HUNG_AFTER).status_code for path in paths]


def finish(line: socket.socket, rest: bytes = b"") -> int:
    line.sendall(rest)
    received = b""
    while chunk := line.recv(65_536):
        received += chunk
    return parse(received).status


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_site_answers_while_requests_arrive_slowly(site, beginning):
    with clients(site, BEGINNINGS[beginning]):
        assert answers(site) == [200] * 6


def test_site_answers_while_requests_trickle(site):
    with clients(site, HEAD) as lines:
        for _ in range(3):
            for line in lines:
                line.sendall(b"X-Slow: a\r\n")
            assert answers(site) == [200] * 6


@pytest.mark.parametrize("path", [LARGE_FILE, "/login", "/api/schema/"])
def test_site_answers_while_nobody_reads_its_responses(site, path):
    with clients(site, request_bytes("GET", path, {"Connection": "keep-alive"}) * 5):
        assert answers(site) == [200] * 6


def test_site_answers_while_clients_keep_finished_connections_open(site):
    with clients(site, request_bytes("GET", "/healthz") + b"unread"):
        assert answers(site) == [200] * 6


def test_slow_request_is_answered_after_its_last_byte(site):
    body = b'{"email": "nobody@example.com", "password": "wrong password"}'
    request = request_bytes("POST", "/api/accounts/login/", {"Content-Type": "application/json"}, body)
    with connect(site) as line:
        for byte in request[:-1]:
            line.sendall(bytes([byte]))
        assert finish(line, request[-1:]) == 400


@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_chunked_body_arrives_whole(site, size):
    body = b'{"email": "nobody@example.com", "password": "wrong password"}'
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in pieces(body, 20))
    request = LOGIN + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-End: 1\r\n\r\n"
    with connect(site) as line:
        for part in pieces(request, size):
            line.sendall(part)
        assert finish(line) == 400


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_large_file_arrives_whole_at_a_slow_reader(site):
    expected = requests.get(site.url + LARGE_FILE, timeout=HUNG_AFTER, headers={"Accept-Encoding": "identity"}).content
    with connect(site) as line:
        line.sendall(request_bytes("GET", LARGE_FILE))
        received = b""
        while chunk := line.recv(50_000):
            received += chunk
    assert parse(received).body == expected


def test_requests_in_one_packet_are_answered_in_order(site):
    paths = ["/healthz", "/nope", LARGE_FILE, "/healthz"]
    requests_ = b"".join(request_bytes("GET", path, {"Connection": "keep-alive"}) for path in paths)
    with connect(site) as line:
        line.sendall(requests_ + request_bytes("GET", "/login"))
        received = b""
        while chunk := line.recv(65_536):
            received += chunk
    assert statuses(received) == [b"200", b"404", b"200", b"200", b"200"]


def statuses(received: bytes) -> list[bytes]:
    return [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]


def test_client_that_expects_continue_gets_it(site):
    with connect(site) as line:
        line.sendall(LOGIN + b"Connection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert line.recv(65_536).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert finish(line, b"{}") == 400


@pytest.mark.parametrize("fields", [1, 50])
def test_huge_head_is_refused(site, fields):
    head = HEAD + b"".join(b"X-%d: %s\r\n" % (n, b"a" * (100_000 // fields)) for n in range(fields))
    assert send_raw(site.url, head).status in (400, 431)


def test_incomplete_request_gets_an_answer_if_the_client_ends_it(site):
    assert send_raw(site.url, LOGIN + b'Content-Length: 1000\r\nConnection: close\r\n\r\n{"a', ends=True).status == 400


def test_one_connection_does_not_stop_plain_gunicorn(site):
    plain = copy(site)
    plain.url = f"http://localhost:{free_port()}"
    command = ["gunicorn", "myproject.wsgi", "--bind", plain.url.removeprefix("http://")]
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=site.environment)
    try:
        wait_until(plain.answers, "gunicorn answers")
        with connect(plain) as line:
            line.sendall(HEAD)
            assert answers(plain) == [200] * 6
    finally:
        process.kill()
        process.wait()
