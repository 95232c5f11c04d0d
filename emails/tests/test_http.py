"""HTTP calls to a provider: connection reuse, deadlines, and what is known after a failure."""

import asyncio
import contextlib
import itertools
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.http import deadline
from common.http.pool import close_pools
from emails.backends import ResendBackend, SendGridBackend
from emails.errors import CallOutcome, ProviderError, Remedy
from emails.tests.support.deadlines import pass_deadline
from emails.tests.support.messages import KEY, backend, mail
from emails.tests.support.standin import StandIn
from tests.support.stack import HUNG_AFTER, wait_until


@pytest.fixture(autouse=True)
def fresh_pools():
    close_pools()
    yield
    close_pools()


@contextlib.contextmanager
def server(handle):
    """Run a TCP server on loopback that passes every connection to `handle`, and yield its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def drip(head, interval=0.05):
    """Return a handler that sends the head and then single bytes; after a few, the deadline of the call expires."""

    def handle(connection):
        with connection, contextlib.suppress(OSError):
            port = connection.getpeername()[1]
            connection.recv(65536)
            connection.sendall(head)
            for number in itertools.count():
                connection.sendall(b"x")
                time.sleep(interval)
                if number == 3:
                    pass_deadline(port)

    return handle


def silent(connection):
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def failure(url, message=None):
    with pytest.raises(ProviderError) as caught:
        ResendBackend(api_key=KEY, api_url=url).send_messages([message or mail()])
    return caught.value


@pytest.fixture
def fresh_api():
    """A server without any open connection."""
    with StandIn() as server:
        yield server


def test_backends_share_one_connection(fresh_api):
    for _ in range(5):
        backend("resend", fresh_api).send_messages([mail()])
    assert len(fresh_api.transports) == 1


def test_threads_share_the_pool(fresh_api):
    shared_backend = backend("resend", fresh_api)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: shared_backend.send_messages([mail()]), range(200))) == 200
    assert len(fresh_api.accepted) == len({email.key for email in fresh_api.accepted}) == 200
    assert len(fresh_api.transports) <= 8


def test_connection_closed_by_server_is_not_reused(provider_api):
    backend("resend", provider_api).send_messages([mail()])
    for transport in list(provider_api.transports):
        provider_api._loop.call_soon_threadsafe(transport.close)
    wait_until(lambda: not provider_api.transports, "the connection is closed")
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), provider_api._loop).result()  # also closes the socket
    assert backend("resend", provider_api).send_messages([mail()]) == 1


def test_idle_connection_is_not_reused(provider_api, monkeypatch):
    backend("resend", provider_api).send_messages([mail()])
    before = set(provider_api.transports)
    monkeypatch.setattr(deadline, "IDLE_SECONDS", 0)
    backend("resend", provider_api).send_messages([mail()])
    assert set(provider_api.transports) - before


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_forked_child_opens_its_own_connection(provider_api):
    backend("resend", provider_api).send_messages([mail()])
    child = os.fork()
    if child == 0:
        sent = backend("resend", provider_api).send_messages([mail()])
        os._exit(0 if sent == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert backend("resend", provider_api).send_messages([mail()]) == 1
    assert len(provider_api.accepted) == 3


def test_tls_accepts_certificate_trusted_by_the_environment(tmp_path, monkeypatch):
    with StandIn(tls=True) as provider_api:
        assert provider_api.authority
        provider_api.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        for _ in range(2):
            assert backend("resend", provider_api).send_messages([mail()]) == 1
        assert len(provider_api.transports) == 1


def test_tls_sends_nothing_to_an_untrusted_server(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with StandIn(tls=True) as provider_api:
        error = failure(provider_api.url("resend"))
        assert error.outcome == CallOutcome.NOT_SENT
        assert error.remedy == Remedy.RETRY
        assert provider_api.calls == 0
        assert "CERTIFICATE_VERIFY_FAILED" in error.detail


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid"])
def test_unreachable_server_means_not_sent(host):
    error = failure(f"http://{host}")
    assert error.outcome == CallOutcome.NOT_SENT
    assert error.remedy == Remedy.RETRY
    assert error.status is None


def test_endless_handshake_means_not_sent(settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0.3
    with server(silent) as port:
        error = failure(f"https://127.0.0.1:{port}")
    assert (error.outcome, error.detail) == (CallOutcome.NOT_SENT, "the deadline passed")


@pytest.mark.parametrize("is_reused", [False, True])
def test_call_past_its_deadline_writes_nothing(provider_api, settings, is_reused):
    if is_reused:
        backend("resend", provider_api).send_messages([mail()])
    calls = provider_api.calls
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0
    error = failure(provider_api.url("resend"))
    assert error.outcome == CallOutcome.NOT_SENT
    assert error.remedy == Remedy.RETRY
    assert provider_api.calls == calls


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX-Trickle: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
    ids=["status", "headers", "body"],
)
def test_trickling_response_is_cut_at_the_deadline(settings, head):
    settings.EMAIL_CALL_DEADLINE_SECONDS = HUNG_AFTER
    with server(drip(head)) as port:
        error = failure(f"http://127.0.0.1:{port}")
    assert (error.outcome, error.remedy) == (CallOutcome.UNKNOWN, Remedy.RETRY)


def test_silent_server_is_cut_at_the_deadline(provider_api, settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = HUNG_AFTER
    provider_api.faults = ["timeout-after"]
    error = failure(provider_api.url("resend"))
    assert error.outcome == CallOutcome.UNKNOWN
    assert error.detail == "the deadline passed"
    assert len(provider_api.accepted) == 1


def test_acceptance_counts_even_if_body_never_ends(settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = HUNG_AFTER
    with server(drip(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: abc\r\nContent-Length: 1000\r\n\r\n")) as port:
        message = mail()
        assert SendGridBackend(api_key=KEY, api_url=f"http://127.0.0.1:{port}").send_messages([message]) == 1
    assert message.provider_message_id == "abc"


def test_late_call_does_not_disturb_other_calls(provider_api, settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = HUNG_AFTER
    provider_api.faults = ["timeout-after", "timeout-after"]
    shared_backend = backend("resend", provider_api)

    def attempt(_):
        try:
            return shared_backend.send_messages([mail()])
        except ProviderError as error:
            return error.outcome

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, range(40)))
    assert results.count(CallOutcome.UNKNOWN) == 2
    assert results.count(1) == 38


def test_server_that_does_not_read_is_an_unknown_outcome(settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = HUNG_AFTER
    is_over = threading.Event()

    def stop_reading(connection):
        connection.recv(1)
        pass_deadline(connection.getpeername()[1])
        is_over.wait()

    with server(stop_reading) as port:
        error = failure(f"http://127.0.0.1:{port}", mail(body="x" * 20_000_000))
    is_over.set()
    assert error.outcome == CallOutcome.UNKNOWN


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_from_the_environment_is_used(monkeypatch, scheme):
    request_lines = []

    def refuse(connection):
        with connection:
            request_lines.append(connection.recv(65536).split(b"\r\n")[0])
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with server(refuse) as port:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        error = failure(f"{scheme}://api.invalid/base")
    assert error.outcome == CallOutcome.NOT_SENT
    assert request_lines[0].startswith(
        {"http": b"POST http://api.invalid/base/emails ", "https": b"CONNECT api.invalid:443 "}[scheme]
    )


@pytest.mark.parametrize("tls", [False, True])
def test_warm_up_connects_before_the_call(tls, tmp_path, monkeypatch):
    """A paced call sends its first byte at its slot, so the handshake must happen earlier."""
    with StandIn(tls=tls) as provider_api:
        if provider_api.authority:
            provider_api.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        connection = backend("resend", provider_api)
        for _ in range(2):
            connection.warm_up()
        wait_until(lambda: bool(provider_api.transports), "the connection is accepted")
        [ready] = provider_api.transports
        connection.send_messages([mail()])
        assert (list(provider_api.transports), provider_api.calls) == ([ready], 1)


def test_warm_up_ignores_an_unreachable_server(provider_api):
    ResendBackend(api_key=KEY, api_url="http://127.0.0.1:1").warm_up()
    ResendBackend(api_key=KEY, api_url="http://no-such-host.invalid").warm_up()
