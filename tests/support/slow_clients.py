"""Clients that occupy a web server without using it, and probes of how it serves everyone else meanwhile.

    python -m tests.support.slow_clients https://app.example.com --address 127.0.0.1

Prints JSON: for each kind of probe, the status and the seconds of each request, and for the slow clients, how many
connections are still open and how many bytes of uploads the server took.
"""

import argparse
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.support.raw_http import parse, request_bytes

SLOW_CONNECTIONS = 300
PROBES = 15  # of each kind; the default limit of logins is 20 a minute
UPLOAD_BYTES = 300_000_000
HEADER_BYTES = 10_000
HUNG_AFTER = 60  # seconds


@dataclass
class Server:
    """``address`` is where to connect, if it is not where the host's name leads."""

    url: str
    address: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def connect(self) -> socket.socket:
        is_encrypted = urlsplit(self.url).scheme == "https"
        port = urlsplit(self.url).port or (443 if is_encrypted else 80)
        line = socket.create_connection((self.address or self.host, port), timeout=HUNG_AFTER)
        return unverified().wrap_socket(line, server_hostname=self.host) if is_encrypted else line

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> int:
        """Return the status. It is 0 if the connection ends without a response."""
        received = b""
        with suppress(OSError), self.connect() as line:
            line.sendall(request_bytes(method, path, {"Host": self.host, **(headers or {})}, body))
            while chunk := line.recv(65_536):
                received += chunk
        return parse(received).status


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def beginnings(host: str) -> list[bytes]:
    login = f"POST /api/accounts/login/ HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n".encode()
    return [
        f"GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: ".encode(),
        login + b'Content-Length: 1000\r\n\r\n{"email": "',
        login + b"Content-Length: 1000000\r\n\r\n" + b" " * 100_000,
        login + b'Transfer-Encoding: chunked\r\n\r\n100\r\n{"email": "',
    ]


class SlowClients:
    """Use as a context manager. While it is open, each connection sends a byte a second."""

    def __init__(self, server: Server, count: int = SLOW_CONNECTIONS) -> None:
        self.server, self.count = server, count
        self.uploaded_bytes = 0
        self.statuses: dict[str, list[int]] = {"upload": [], "headers": []}
        self._is_over = threading.Event()

    def __enter__(self) -> "SlowClients":
        self.lines: list[socket.socket | None] = [None] * self.count
        self._threads = [threading.Thread(target=work) for work in (self._trickle, self._upload, self._send_headers)]
        for number in range(self.count):
            self._restart(number)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        for line in filter(None, self.lines):
            line.close()

    def open_connections(self) -> int:
        return sum(line is not None for line in self.lines)

    def _restart(self, number: int) -> None:
        self.lines[number] = None
        kinds = beginnings(self.server.host)
        with suppress(OSError):
            line = self.server.connect()
            line.sendall(kinds[number % len(kinds)])
            self.lines[number] = line

    def _trickle(self) -> None:
        while not self._is_over.wait(1):
            for number, line in enumerate(self.lines):
                try:
                    if line is None:
                        raise OSError
                    line.sendall(b"a")
                except OSError:  # the server has ended it
                    self._restart(number)

    def _upload(self) -> None:
        fields = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(UPLOAD_BYTES)}
        head = request_bytes("POST", "/login", {"Host": self.server.host, **headers})
        while not self._is_over.is_set():
            received = b""
            with suppress(OSError), self.server.connect() as line:
                with suppress(OSError):
                    line.sendall(head + fields)
                    for _ in range(UPLOAD_BYTES // 1_000_000):
                        line.sendall(b"a" * 1_000_000)
                        self.uploaded_bytes += 1_000_000
                received = line.recv(65_536)
            self.statuses["upload"].append(parse(received).status)
            self._is_over.wait(1)

    def _send_headers(self) -> None:
        while not self._is_over.is_set():
            for headers in ({"X-Large": "a" * HEADER_BYTES}, {f"X-{n}": "a" * 90 for n in range(HEADER_BYTES // 100)}):
                self.statuses["headers"].append(self.server.request("GET", "/", headers))
            self._is_over.wait(1)


def probe(request: Callable[[], int]) -> tuple[int, float]:
    """Return the status and the seconds that the request took."""
    started = time.monotonic()
    return request(), time.monotonic() - started


def probes(server: Server) -> dict[str, list[tuple[int, float]]]:
    """Make ``PROBES`` requests of each kind, and return their statuses and seconds."""
    body = b'{"email": "nobody@example.com", "password": "no password of anybody"}'
    kinds: dict[str, Callable[[], int]] = {
        "healthz": lambda: server.request("GET", "/healthz"),
        "login": lambda: server.request("POST", "/api/accounts/login/", {"Content-Type": "application/json"}, body),
    }
    results: dict[str, list[tuple[int, float]]] = {kind: [] for kind in kinds}
    for _ in range(PROBES):
        for kind, request in kinds.items():
            results[kind].append(probe(request))
        time.sleep(0.5)
    return results


def measure(server: Server) -> dict[str, Any]:
    with SlowClients(server) as clients:
        return {
            **probes(server),
            "open": clients.open_connections(),
            "uploaded": clients.uploaded_bytes,
            "statuses": clients.statuses,
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--address", default="")
    arguments = parser.parse_args()
    print(json.dumps(measure(Server(arguments.url, arguments.address))))
