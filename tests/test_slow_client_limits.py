"""What ends slow connections: timeouts, the number of connections, and the memory that they occupy."""

from contextlib import ExitStack

import pytest
import requests

from tests.support.raw_http import parse, request_bytes
from tests.support.site import Site
from tests.support.stack import HUNG_AFTER
from tests.test_slow_clients import BEGINNINGS, LARGE_FILE, LOGIN, connect

CONNECTIONS = 50


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("impatient"))
    site.command += ["--worker-class", "tests.support.impatient_worker.ImpatientWorker"]
    site.command += ["--worker-connections", str(CONNECTIONS)]
    with site:
        yield site


def is_up(site: Site) -> bool:
    return requests.get(f"{site.url}/healthz", timeout=HUNG_AFTER).ok


@pytest.mark.parametrize("beginning", ["first byte", "half a head", "half a body", "half a chunk"])
def test_request_that_takes_too_long_is_ended(site, beginning):
    with connect(site) as line:
        line.sendall(BEGINNINGS[beginning])
        assert parse(line.recv(65_536)).status == 408
        assert line.recv(65_536) == b""


def test_trickle_does_not_extend_the_time(site):
    with connect(site) as line:
        line.sendall(b"GET / HTTP/1.1\r\n")
        line.settimeout(0.1)
        received = b""
        while not received:  # a response ends this
            try:
                received = line.recv(65_536)
            except TimeoutError:
                line.sendall(b"X-Slow: a\r\n")
    assert parse(received).status == 408


def test_silent_connection_is_closed(site):
    with connect(site) as line:
        assert line.recv(65_536) == b""


def test_response_that_nobody_reads_is_ended(site):
    with connect(site) as line, connect(site) as other:
        line.sendall(request_bytes("GET", LARGE_FILE))
        assert other.recv(1) == b""  # by now, as much time has passed
        assert is_up(site)
        received = b""
        with pytest.raises(ConnectionResetError):
            while chunk := line.recv(65_536):
                received += chunk
            raise ConnectionResetError  # a closed connection is as good


def test_newcomer_replaces_the_oldest_connection(site):
    with ExitStack() as cleanup:
        lines = [cleanup.enter_context(connect(site)) for _ in range(3 * CONNECTIONS)]
        assert is_up(site)
        assert lines[0].recv(1) == b""


def test_memory_of_unfinished_bodies_is_limited(site):
    with ExitStack() as cleanup:
        for _ in range(CONNECTIONS // 2):
            line = cleanup.enter_context(connect(site))
            try:
                line.sendall(LOGIN + b"Content-Length: 2000000\r\n\r\n" + b" " * 200_000)
            except OSError:  # it was the oldest
                continue
        assert is_up(site)
