"""One deadline for a whole call, however slowly the bytes come.

Socket timeouts are not enough, because they start again with every byte. One daemon thread per process watches all
calls. It shuts down the socket of a late one, which wakes the thread that waits on it.
"""

import contextlib
import math
import os
import socket
import ssl
import threading
import time
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

# Servers close idle connections after about a minute. A call that meets a closing connection has an unknown outcome.
IDLE_SECONDS = 30

MAX_SINGLE_WRITE = 65_536  # bytes; for a larger body, a second write costs less than copying it behind the head


class DeadlinePassed(OSError):
    """Raised instead of writing the first byte of a call that is already late."""


class SocketHandle:
    """A second handle on a socket, which stays valid while TLS wraps the first one."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected.dup()
        self.deadline: Deadline | None = None

    def shut_down(self) -> None:
        with contextlib.suppress(OSError):  # the server may have closed the connection already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


class Deadline:
    """A context manager around one call, from the name lookup to the last byte of the response."""

    __slots__ = ("_handle", "ends_at", "is_late", "reached_body")

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds
        self.reached_body = False
        self.is_late = False
        self._handle: SocketHandle | None = None

    def __enter__(self) -> "Deadline":
        _current.deadline = self
        _watchdog.watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        del _current.deadline
        _watchdog.release(self)

    def watch(self, handle: SocketHandle) -> None:
        """Shut down this socket once the deadline has passed."""
        handle.deadline = self
        self._handle = handle

    def check(self) -> None:
        """Raise DeadlinePassed if the deadline has passed."""
        self.is_late = self.is_late or time.monotonic() >= self.ends_at
        if self.is_late:
            raise DeadlinePassed("the deadline passed before anything was written")

    def expire(self) -> None:
        """Mark the call as late and shut down its socket. Called by the watchdog."""
        self.is_late = True
        # A connection that went back to the pool may already serve another call, whose socket must stay open.
        if self._handle is not None and self._handle.deadline is self:
            self._handle.shut_down()


class DeadlineConnection(HTTPConnection):
    """A pooled connection that obeys the deadline of the call that uses it."""

    _handle: SocketHandle | None = None
    _used_at = 0.0
    _head: bytes | None = None

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self._handle = SocketHandle(connected)
        self._used_at = time.monotonic()
        _current.deadline.watch(self._handle)
        return connected

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self._used_at < IDLE_SECONDS and super().is_connected

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        """Hold the head back, so that a body of usual size goes out with it in one write and one packet."""
        self._head = b""
        super().endheaders(*args, **kwargs)

    def send(self, data: Any) -> None:
        """Write the data, but nothing for a late call: an error before the first byte means that nothing was sent."""
        if self._head == b"":
            self._head = data
            return
        head, self._head = self._head, None
        if head is None:  # not the start of a request: a CONNECT to a proxy, or the rest of a body
            super().send(data)
            return
        deadline = _current.deadline
        if self.sock is None:
            self.connect()
        elif self._handle is not None:
            deadline.watch(self._handle)
        deadline.check()
        self._used_at = time.monotonic()
        deadline.reached_body = True
        for part in (head, data) if len(data) > MAX_SINGLE_WRITE else (head + data,):
            super().send(part)

    def getresponse(self) -> Any:
        if self._head:  # the request has no body, so send() still holds the head back
            self.send(b"")
        return super().getresponse()

    def close(self) -> None:
        super().close()
        self._head = None
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class DeadlineTLSConnection(DeadlineConnection, HTTPSConnection):
    """The same over TLS."""

    @property
    def is_connected(self) -> bool:
        was_used_recently = time.monotonic() - self._used_at < IDLE_SECONDS
        return was_used_recently and (super().is_connected or self._holds_only_tickets())

    def _holds_only_tickets(self) -> bool:
        """Return whether only TLS session tickets wait to be read.

        TLS 1.3 servers send them after the handshake, and urllib3 takes any unread data for a closed connection.
        """
        connected = self.sock
        if connected is None:
            return False
        timeout = connected.gettimeout()
        connected.settimeout(0)
        try:
            connected.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        finally:
            connected.settimeout(timeout)
        return False


class Watchdog:
    """Expires deadlines. They mostly end in the order in which they began, so its thread rarely has to be woken."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._deadlines: set[Deadline] = set()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def watch(self, deadline: Deadline) -> None:
        with self._condition:
            self._deadlines.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            if deadline.ends_at < self._wakes_at:
                self._condition.notify()

    def release(self, deadline: Deadline) -> None:
        with self._condition:
            self._deadlines.discard(deadline)

    def _run(self) -> None:
        with self._condition:
            while True:
                now = time.monotonic()
                for deadline in [deadline for deadline in self._deadlines if deadline.ends_at <= now]:
                    self._deadlines.discard(deadline)
                    deadline.expire()
                self._wakes_at = min((deadline.ends_at for deadline in self._deadlines), default=math.inf)
                self._condition.wait(None if self._wakes_at == math.inf else self._wakes_at - now)


class _Current(threading.local):
    deadline: Deadline


def _replace_watchdog() -> None:
    global _watchdog  # its thread doesn't survive a fork
    _watchdog = Watchdog()


_current = _Current()
_watchdog = Watchdog()
os.register_at_fork(after_in_child=_replace_watchdog)
