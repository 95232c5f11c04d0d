"""A deadline for a whole call: whoever is late gets the line cut, however busily bytes trickle in.

The time-outs of sockets start again with every byte. One daemon thread per process watches all calls and shuts the
socket of a late one down, which wakes the thread that waits on it.
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

IDLE_SECONDS = 30  # servers close idle connections after a minute or so; a call that meets this has an unknown outcome

ONE_WRITE = 65_536


class DeadlinePassed(OSError):
    """Raised in place of writing the first byte of a call that is already late."""


class Line:
    """A second handle on a socket, which stays valid while TLS wraps the first."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected.dup()
        self.call: Call | None = None

    def cut(self) -> None:
        with contextlib.suppress(OSError):  # the other side was faster
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


class Call:
    """One call, from before the name look-up to the last byte of the answer; a context manager."""

    __slots__ = ("_line", "ends_at", "is_late", "reached_body")

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds
        self.reached_body = False
        self.is_late = False
        self._line: Line | None = None

    def __enter__(self) -> "Call":
        _current.call = self
        _watchdog.watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        del _current.call
        _watchdog.release(self)

    def take(self, line: Line) -> None:
        """From now on this call's lateness cuts this line."""
        line.call = self
        self._line = line

    def check(self) -> None:
        self.is_late = self.is_late or time.monotonic() >= self.ends_at
        if self.is_late:
            raise DeadlinePassed("the deadline passed before anything was written")

    def cut(self) -> None:
        self.is_late = True
        if self._line is not None and self._line.call is self:  # else it went back to the pool and serves another
            self._line.cut()


class DeadlineConnection(HTTPConnection):
    """A pooled connection that obeys the deadline of the call that uses it, and is not used again after a long rest."""

    _line: Line | None = None
    _used_at = 0.0
    _head: bytes | None = None

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self._line = Line(connected)
        self._used_at = time.monotonic()
        _current.call.take(self._line)
        return connected

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self._used_at < IDLE_SECONDS and super().is_connected

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        """Hold the head back: with a body of usual size it is one write, one TLS record, one packet."""
        self._head = b""
        super().endheaders(*args, **kwargs)

    def send(self, data: Any) -> None:
        """Write, but nothing for a late call. An error before the first write leaves nothing for anyone to accept."""
        if self._head == b"":
            self._head = data
            return
        head, self._head = self._head, None
        if head is None:  # not a request's first write: the CONNECT to a proxy, or more of a body
            super().send(data)
            return
        call = _current.call
        if self.sock is None:
            self.connect()
        elif self._line is not None:
            call.take(self._line)
        call.check()
        self._used_at = time.monotonic()
        call.reached_body = True
        if len(data) > ONE_WRITE:
            super().send(head)
            super().send(data)
        else:
            super().send(head + data)

    def getresponse(self) -> Any:
        if self._head:  # no body came
            self.send(b"")
        return super().getresponse()

    def close(self) -> None:
        super().close()
        self._head = None
        if self._line is not None:
            self._line.close()
            self._line = None


class DeadlineTLSConnection(DeadlineConnection, HTTPSConnection):
    @property
    def is_connected(self) -> bool:
        rests_shortly = time.monotonic() - self._used_at < IDLE_SECONDS
        return rests_shortly and (super().is_connected or self._holds_only_tickets())

    def _holds_only_tickets(self) -> bool:
        """Servers of TLS 1.3 send tickets after the handshake: something to read, which urllib3 takes for the end."""
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
    """Cuts late calls. Deadlines mostly come in the order of the calls, so its thread seldom has to be woken."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._calls: set[Call] = set()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def watch(self, call: Call) -> None:
        with self._condition:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mail deadlines", daemon=True)
                self._thread.start()
            if call.ends_at < self._wakes_at:
                self._condition.notify()

    def release(self, call: Call) -> None:
        with self._condition:
            self._calls.discard(call)

    def _run(self) -> None:
        with self._condition:
            while True:
                now = time.monotonic()
                for call in [call for call in self._calls if call.ends_at <= now]:
                    self._calls.discard(call)
                    call.cut()
                self._wakes_at = min((call.ends_at for call in self._calls), default=math.inf)
                self._condition.wait(None if self._wakes_at == math.inf else self._wakes_at - now)


class _Current(threading.local):
    call: Call


def _start_afresh() -> None:
    global _watchdog  # threads do not survive a fork
    _watchdog = Watchdog()


_current = _Current()
_watchdog = Watchdog()
os.register_at_fork(after_in_child=_start_afresh)
