"""The gunicorn worker: it receives requests and sends responses in its event loop. Threads run the application."""

import errno
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.config import Config
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from common.buffering.requests import IncomingRequest
from common.buffering.sockets import BufferedSocket

HEAD_TIMEOUT = timedelta(seconds=10)  # for the request line and the headers, from the first byte on
BODY_TIMEOUT = timedelta(seconds=30)  # for the body
WRITE_TIMEOUT = timedelta(seconds=30)  # for the next bytes that the client accepts
LINGER_TIMEOUT = timedelta(seconds=5)  # for the client to close the connection after the response
MAX_HELD_BYTES = 64 * 1024 * 1024  # of requests and responses of slow clients, in each worker process
RECEIVE_BYTES = 64 * 1024

Step = Callable[["Connection"], None]


class Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, cfg: Config, line: BufferedSocket, client: Any, server: Any) -> None:
        super().__init__(cfg, line, client, server)
        self.data_ready = True  # a thread gets it only then
        self.request = IncomingRequest()
        self.deadline = 0.0
        self.held_bytes = 0
        self.is_reusable = False
        self.is_dropped = False


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """A connection is always in one place: in a thread, or in ``waiting`` with a deadline."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[Connection, None] = {}  # those that have waited longest first
        self.held_bytes = 0

    @classmethod
    def check_config(cls, cfg: Config, log: Any) -> None:
        if cfg.is_ssl or cfg.protocol != "http" or cfg.http2_cleartext != "off":
            raise RuntimeError(
                "common.buffering only speaks HTTP/1. Let a proxy in front of gunicorn do the rest, or start gunicorn "
                "with --worker-class gthread, which a few slow clients can stop."
            )

    # Waiting for a client

    def wait(self, conn: Connection, events: int, step: Step, timeout: timedelta) -> None:
        """Call ``step`` when the client has sent or can accept something. After ``timeout``, close the connection."""
        self.waiting[conn] = None
        self.set_timeout(conn, timeout)
        self.poller.register(conn.sock, events, partial(self.resume, conn, step))

    def set_timeout(self, conn: Connection, timeout: timedelta) -> None:
        conn.deadline = time.monotonic() + timeout.total_seconds()

    def resume(self, conn: Connection, step: Step, line: socket.socket) -> None:
        if conn in self.waiting:  # an earlier event of the same round may have closed it
            try:
                step(conn)
            except OSError:
                self.drop(conn)

    def stop_waiting(self, conn: Connection) -> None:
        if conn in self.waiting:
            del self.waiting[conn]
            self.poller.unregister(conn.sock)

    def hold(self, conn: Connection, count: int) -> None:
        """Note how many bytes the connection has in memory. If that is too much in total, close the oldest ones."""
        self.held_bytes += count - conn.held_bytes
        conn.held_bytes = count
        while self.held_bytes > MAX_HELD_BYTES and self.waiting:
            self.drop(next(iter(self.waiting)))

    def drop(self, conn: Connection) -> None:
        if conn.is_dropped:
            return
        conn.is_dropped = True
        self.stop_waiting(conn)
        self.held_bytes -= conn.held_bytes
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close the connections whose time is up. gunicorn calls this at least once a second."""
        now = time.monotonic()
        for conn in [conn for conn in self.waiting if conn.deadline <= now]:
            if conn.request.received:
                self.refuse(conn, 408, "Request Timeout")
            else:
                self.drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Give up on requests that don't arrive by ``deadline``, because the worker stops."""
        for conn in self.waiting:
            if not conn.sock.unsent:
                conn.deadline = min(conn.deadline, deadline)

    # Receiving

    def accept(self, listener: socket.socket) -> None:
        try:
            line, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE) and self.waiting:
                self.drop(next(iter(self.waiting)))
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        while self.nr_conns >= self.worker_connections - 1 and self.waiting:
            self.drop(next(iter(self.waiting)))
        self.nr_conns += 1
        conn = Connection(self.cfg, BufferedSocket(line), client, listener.getsockname())
        self.wait(conn, selectors.EVENT_READ, self.receive, HEAD_TIMEOUT)

    def receive(self, conn: Connection) -> None:
        data = conn.sock.recv(RECEIVE_BYTES)
        if data:
            self.add(conn, data)
        elif conn.request.received:  # the client sends nothing more, but may wait for the response
            self.handle_in_thread(conn)
        else:
            self.drop(conn)

    def add(self, conn: Connection, data: bytes) -> None:
        request = conn.request
        is_first, had_head = not request.received, request.head_bytes > 0
        request.add(data)
        self.hold(conn, len(request.received))
        if conn.is_dropped:
            return
        if request.is_head_too_large:
            self.refuse(conn, 431, "Request Header Fields Too Large")
        elif request.is_complete:
            self.handle_in_thread(conn)
        elif request.head_bytes and not had_head:
            self.set_timeout(conn, BODY_TIMEOUT)
            if request.expects_continue:
                conn.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif is_first:
            self.set_timeout(conn, HEAD_TIMEOUT)

    def refuse(self, conn: Connection, status: int, reason: str) -> None:
        self.stop_waiting(conn)
        conn.request = IncomingRequest()
        conn.is_reusable = False
        try:
            util.write_error(conn.sock, status, reason, "")
            self.send_rest(conn)
        except OSError:
            self.drop(conn)

    def handle_in_thread(self, conn: Connection) -> None:
        self.stop_waiting(conn)
        conn.init()
        conn.parser.unreader.unread(bytes(conn.request.received))
        conn.request = IncomingRequest()
        self.enqueue_req(conn)

    # Sending

    def finish_request(self, conn: Connection, future: Future[Any]) -> None:
        """Send what the thread has left. gunicorn calls this in the event loop after the thread is done."""
        conn.is_reusable = not future.cancelled() and not future.exception() and bool(future.result())
        try:
            self.send_rest(conn)
        except OSError:
            self.drop(conn)

    def send_rest(self, conn: Connection) -> None:
        is_sent = conn.sock.flush()
        self.hold(conn, conn.sock.unsent_bytes())
        if conn.is_dropped:
            return
        if is_sent:
            self.stop_waiting(conn)
            self.end_response(conn)
        elif conn in self.waiting:
            self.set_timeout(conn, WRITE_TIMEOUT)
        else:
            self.wait(conn, selectors.EVENT_WRITE, self.send_rest, WRITE_TIMEOUT)

    def end_response(self, conn: Connection) -> None:
        if not conn.is_reusable:
            conn.sock.shutdown(socket.SHUT_WR)
            self.wait(conn, selectors.EVENT_READ, self.discard, LINGER_TIMEOUT)
            return
        keepalive = STOP_KEEPALIVE_LINGER if not self.alive else self.cfg.keepalive
        self.wait(conn, selectors.EVENT_READ, self.receive, timedelta(seconds=keepalive))
        if following := conn.parser.unreader.take_buffered():
            self.add(conn, following)

    def discard(self, conn: Connection) -> None:
        """Read on until the client closes the connection: closing it first could destroy the response on its way."""
        if not conn.sock.recv(RECEIVE_BYTES):
            self.drop(conn)
