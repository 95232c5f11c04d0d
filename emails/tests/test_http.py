"""The line to the provider: reuse, deadlines, and what is known when it breaks."""

import contextlib
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
from emails.tests.support.messages import KEY, backend, mail
from emails.tests.support.standin import StandIn
from tests.support.stack import wait_until


@pytest.fixture(autouse=True)
def fresh_pools():
    close_pools()
    yield
    close_pools()


@contextlib.contextmanager
def server(handle):
    """A TCP server on loopback that gives every connection to `handle`; yields its port."""
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
    """Answer with the head, then one byte every now and then."""

    def handle(connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(head)
            while True:
                connection.sendall(b"x")
                time.sleep(interval)

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
    """A server that nobody has a connection to."""
    with StandIn() as server:
        yield server


def test_one_connection_serves_many_backends(fresh_api):
    for _ in range(5):
        backend("resend", fresh_api).send_messages([mail()])
    assert len(fresh_api.transports) == 1


def test_threads_share_the_pool(fresh_api):
    one = backend("resend", fresh_api)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: one.send_messages([mail()]), range(200))) == 200
    assert len(fresh_api.accepted) == len({taken.key for taken in fresh_api.accepted}) == 200
    assert len(fresh_api.transports) <= 8


def test_a_connection_that_the_server_closed_is_not_used_again(api):
    backend("resend", api).send_messages([mail()])
    for transport in list(api.transports):
        api._loop.call_soon_threadsafe(transport.close)
    time.sleep(0.1)
    assert backend("resend", api).send_messages([mail()]) == 1


def test_a_connection_that_rested_long_is_not_used_again(api, monkeypatch):
    backend("resend", api).send_messages([mail()])
    before = set(api.transports)
    monkeypatch.setattr(deadline, "IDLE_SECONDS", 0)
    backend("resend", api).send_messages([mail()])
    assert set(api.transports) - before


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_child_opens_its_own_connection(api):
    backend("resend", api).send_messages([mail()])
    child = os.fork()
    if child == 0:
        sent = backend("resend", api).send_messages([mail()])
        os._exit(0 if sent == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert backend("resend", api).send_messages([mail()]) == 1
    assert len(api.accepted) == 3


def test_tls_with_a_certificate_that_the_environment_trusts(tmp_path, monkeypatch):
    with StandIn(tls=True) as api:
        assert api.authority
        api.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        for _ in range(2):
            assert backend("resend", api).send_messages([mail()]) == 1
        assert len(api.transports) == 1


def test_tls_with_a_stranger_sends_nothing(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with StandIn(tls=True) as api:
        error = failure(api.url("resend"))
        assert (error.outcome, error.remedy, api.calls) == (CallOutcome.NOT_SENT, Remedy.RETRY, 0)
        assert "CERTIFICATE_VERIFY_FAILED" in error.detail


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid"])
def test_nobody_there_means_not_sent(host):
    error = failure(f"http://{host}")
    assert (error.outcome, error.remedy, error.status) == (CallOutcome.NOT_SENT, Remedy.RETRY, None)


def test_a_handshake_that_never_ends_means_not_sent(settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0.3
    with server(silent) as port:
        error = failure(f"https://127.0.0.1:{port}")
    assert (error.outcome, error.detail) == (CallOutcome.NOT_SENT, "the deadline passed")


@pytest.mark.parametrize("is_reused", [False, True])
def test_a_call_that_is_late_already_writes_nothing(api, settings, is_reused):
    if is_reused:
        backend("resend", api).send_messages([mail()])
    calls = api.calls
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0
    error = failure(api.url("resend"))
    assert (error.outcome, error.remedy, api.calls) == (CallOutcome.NOT_SENT, Remedy.RETRY, calls)


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX-Trickle: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
    ids=["status", "headers", "body"],
)
def test_an_answer_that_trickles_is_cut_at_the_deadline(settings, head):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0.4
    with server(drip(head)) as port:
        began = time.monotonic()
        error = failure(f"http://127.0.0.1:{port}")
    assert 0.3 < time.monotonic() - began < 2
    assert (error.outcome, error.remedy) == (CallOutcome.UNKNOWN, Remedy.RETRY)


def test_silence_ends_at_the_deadline(api, settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0.3
    api.faults = ["timeout-after"]
    error = failure(api.url("resend"))
    assert (error.outcome, error.detail, len(api.accepted)) == (CallOutcome.UNKNOWN, "the deadline passed", 1)


def test_an_acceptance_counts_though_its_body_never_ends(settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0.3
    with server(drip(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: abc\r\nContent-Length: 1000\r\n\r\n")) as port:
        message = mail()
        assert SendGridBackend(api_key=KEY, api_url=f"http://127.0.0.1:{port}").send_messages([message]) == 1
    assert message.provider_message_id == "abc"


def test_a_late_call_does_not_disturb_its_neighbours(api, settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0.5
    api.faults = ["timeout-after", "timeout-after"]
    one = backend("resend", api)

    def attempt(_):
        try:
            return one.send_messages([mail()])
        except ProviderError as error:
            return error.outcome

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, range(40)))
    assert results.count(CallOutcome.UNKNOWN) == 2
    assert results.count(1) == 38


def test_a_server_that_does_not_read_is_an_unknown_outcome(settings):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 0.4
    with server(lambda connection: time.sleep(3)) as port:
        error = failure(f"http://127.0.0.1:{port}", mail(body="x" * 20_000_000))
    assert error.outcome == CallOutcome.UNKNOWN


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_of_the_environment_is_used(monkeypatch, scheme):
    heard = []

    def refuse(connection):
        with connection:
            heard.append(connection.recv(65536).split(b"\r\n")[0])
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with server(refuse) as port:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        error = failure(f"{scheme}://api.invalid/base")
    assert error.outcome == CallOutcome.NOT_SENT
    assert heard[0].startswith(
        {"http": b"POST http://api.invalid/base/emails ", "https": b"CONNECT api.invalid:443 "}[scheme]
    )


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_is_made_before_the_call_needs_it(tls, tmp_path, monkeypatch):
    """A paced call begins at its slot with its first byte, not with a handshake."""
    with StandIn(tls=tls) as api:
        if api.authority:
            api.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        connection = backend("resend", api)
        for _ in range(2):
            connection.warm_up()
        wait_until(lambda: bool(api.transports), "the connection is accepted", seconds=5)
        [ready] = api.transports
        connection.send_messages([mail()])
        assert (list(api.transports), api.calls) == ([ready], 1)


def test_nobody_to_connect_to_is_no_matter_before_the_call(api):
    ResendBackend(api_key=KEY, api_url="http://127.0.0.1:1").warm_up()
    ResendBackend(api_key=KEY, api_url="http://no-such-host.invalid").warm_up()
