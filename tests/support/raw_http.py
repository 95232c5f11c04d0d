"""Requests byte by byte, as no HTTP library would send them."""

import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.stack import HUNG_AFTER


@dataclass
class RawResponse:
    """``status`` is 0 if the server closed the connection without a response."""

    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}: *(.*?)\r?$", self.head, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else ""


def send_raw(url: str, request: bytes, *, ends: bool = False) -> RawResponse:
    """Send the bytes on a connection of their own. With ``ends``, send nothing more, even if a body is incomplete."""
    parts = urlsplit(url)
    received = b""
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=HUNG_AFTER) as line:
        with suppress(OSError):  # the server may respond and close the connection before it has read everything
            line.sendall(request)
            if ends:
                line.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while chunk := line.recv(65_536):
                received += chunk
    return parse(received)


def parse(received: bytes) -> RawResponse:
    while received.startswith(b"HTTP/1.1 100"):
        received = received.partition(b"\r\n\r\n")[2]
    head, _, body = received.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    return RawResponse(int(status[1]) if status else 0, head.decode("latin-1"), body)


def request_bytes(method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a request that closes its connection. Adds Host and Content-Length unless ``headers`` has them."""
    lines = {"Host": "localhost", "Connection": "close", **(headers or {})}
    if body and not {"Content-Length", "Transfer-Encoding"} & set(lines):
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace") + body
