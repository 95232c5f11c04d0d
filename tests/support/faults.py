"""Faults: a proxy that can cut connections or go silent, a slow name server, and a database that refuses everybody."""

import secrets
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.stack import POSTGRES, free_port

DELAY = 0.5  # seconds


class Line:
    """A TCP proxy to ``target`` with the state ``through``, ``refused``, ``silent`` (accepts, never responds), or
    ``late`` (passes everything on half a second late).
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self.listener: socket.socket | None = None
        self.ends: list[socket.socket] = []
        self.state = "refused"

    def become(self, state: str) -> None:
        """Change the state, also for open connections."""
        self.state = state
        if state in ("silent", "late"):
            self._listen()  # connections stay open, but nothing passes through them in time
            return
        self.cut()
        if state == "through":
            self._listen()
        elif self.listener is not None:
            with suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def cut(self) -> None:
        """Close all connections without changing the state."""
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends.clear()

    def _listen(self) -> None:
        if self.listener is None:
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=200)
            threading.Thread(target=self._accept, args=[self.listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                self.ends.append(near)
                if self.state in ("through", "late"):
                    far = socket.create_connection(("127.0.0.1", self.target))
                    self.ends.append(far)
                    for source, sink in ((near, far), (far, near)):
                        threading.Thread(target=self._pass_on, args=[source, sink], daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while self.state == "silent":
                    time.sleep(0.05)
                if self.state == "late":
                    time.sleep(DELAY)
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class NameServer:
    """A name server that knows one name. ``delay`` is in seconds; if ``knows_it`` is False, it responds NXDOMAIN.

    It needs port 53, so each server takes its own loopback address, because tests run in parallel.
    """

    def __init__(self, name: str) -> None:
        self.address = "127." + ".".join(str(1 + secrets.randbelow(254)) for _ in range(3))
        self.question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
        self.delay = 0.0
        self.knows_it = True
        self.is_running = True
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def start(self) -> None:
        """Listen on port 53; raises ``PermissionError`` if the process may not."""
        self.socket.bind((self.address, 53))
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.is_running = False
        self.thread.join()
        self.socket.close()

    def _serve(self) -> None:
        while self.is_running:
            with suppress(TimeoutError):
                query, sender = self.socket.recvfrom(4096)
                threading.Timer(self.delay, self._answer, [query, sender]).start()

    def _answer(self, query: bytes, sender: tuple[str, int]) -> None:
        end = query.index(b"\0", 12) + 5
        kind = struct.unpack("!H", query[end - 4 : end - 2])[0]
        known = self.knows_it and query[12 : end - 4].lower() == self.question
        records = 1 if known and kind == 1 else 0  # one A record, and an empty response to AAAA
        head = query[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, records, 0, 0)
        address = struct.pack("!HHHIH4s", 0xC00C, 1, 1, 0, 4, socket.inet_aton("127.0.0.1"))
        with suppress(OSError):
            self.socket.sendto(head + query[12:end] + address * records, sender)


@contextmanager
def name_server(name: str) -> Iterator[NameServer]:
    server = NameServer(name)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def asking(server: NameServer, directory: Path) -> tuple[str, ...]:
    """A command prefix that makes one process use this name server, and no other process. Needs root."""
    resolver = directory / "resolv.conf"
    resolver.write_text(f"nameserver {server.address}\noptions timeout:6 attempts:1\n")
    mount = f'mount --bind "{resolver}" /etc/resolv.conf && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", mount, "sh")


REDIS_NAME = "redis.spine.test"
SERVER_FAULTS = ["refused", "silent"]
NAME_FAULTS = ["name unknown", "name server takes 5 s"]  # these need root; see may_mount()


@dataclass(frozen=True)
class Outage:
    """A Redis that can become unavailable: its address, the command prefix for its clients, and both switches."""

    host: str
    port: int
    prefix: tuple[str, ...]
    begin: Callable[[], None]
    end: Callable[[], None]


@contextmanager
def redis_outage(fault: str, redis_port: int, directory: Path) -> Iterator[Outage]:
    """Prepare an outage of one of the kinds in ``SERVER_FAULTS`` and ``NAME_FAULTS``, which has not started yet."""
    line = Line(redis_port)
    line.become("through")
    if fault in SERVER_FAULTS:
        yield Outage("127.0.0.1", line.port, (), lambda: line.become(fault), lambda: line.become("through"))
        return
    with name_server(REDIS_NAME) as server:

        def begin() -> None:
            server.knows_it, server.delay = (False, 0.0) if fault == "name unknown" else (True, 5.0)
            line.cut()

        def end() -> None:
            server.knows_it, server.delay = True, 0.0

        yield Outage(REDIS_NAME, line.port, asking(server, directory), begin, end)


def may_mount() -> bool:
    """Whether this process may give another process its own name server."""
    return bool(shutil.which("unshare")) and subprocess.run(["unshare", "--mount", "true"]).returncode == 0


@contextmanager
def refusing_connections(database: str) -> Iterator[None]:
    """Refuse connections to this database, as during a restart of the server."""
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])
        try:
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
