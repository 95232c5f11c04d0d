"""An HTTP server in the place of Sentry, which keeps the events that it receives."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Event = dict[str, Any]


class SentryServer:
    """Use as a context manager."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.bodies: list[str] = []
        received = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.add(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def add(self, envelope: bytes) -> None:
        """Keep the events of an envelope: a line of headers, and for each item another one and its content."""
        text = envelope.decode()
        self.bodies.append(text)
        _, *lines = text.rstrip("\n").split("\n")
        for header, content in zip(lines[::2], lines[1::2], strict=True):
            if json.loads(header)["type"] == "event":
                self.events.append(json.loads(content))

    @property
    def dsn(self) -> str:
        return f"http://0123456789abcdef@127.0.0.1:{self.server.server_port}/1"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
