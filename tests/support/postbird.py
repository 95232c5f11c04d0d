"""A real server for Postbird, the invented provider in docs/adding-a-provider.md."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_BATCH = 50


class Postbird:
    """``calls`` lists the key and the body of each call, and ``accepted`` the messages, each one time.

    ``faults`` are the fates of the next calls: a status, "lost" (accepted, but the connection breaks), or "ok".
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []
        self.accepted: list[dict[str, Any]] = []
        self.answers: dict[str, tuple[bytes, list[str]]] = {}
        self.faults: list[int | str] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "Postbird":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, key: str, body: bytes) -> tuple[int | str, Any]:
        """Accept the messages of a call, unless its key was used before. Returns the status, and the JSON."""
        with self._lock:
            self.calls.append((key, body))
            fault = self.faults.pop(0) if self.faults else "ok"
            if isinstance(fault, int):
                return fault, {"code": "fault", "message": "The call was refused on purpose."}
            former = self.answers.get(key)
            if former and former[0] != body:
                return 409, {"code": "conflict", "message": "The key was used for different content."}
            ids = former[1] if former else self.accept(json.loads(body)["messages"])
            self.answers[key] = body, ids
            return ("lost" if fault == "lost" else 202), {"ids": ids}

    def accept(self, messages: list[dict[str, Any]]) -> list[str]:
        assert 1 <= len(messages) <= MAX_BATCH, len(messages)
        ids = [f"pb_{len(self.accepted) + number}" for number in range(len(messages))]
        self.accepted += messages
        return ids


def _handler(postbird: Postbird) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/messages" and self.headers["Authorization"] == "Bearer pb_live_2vKq8sTn4Lm9Xw"
            status, answer = postbird.answer(self.headers["Idempotency-Key"], body)
            if status == "lost":
                self.close_connection = True
                return
            content = json.dumps(answer).encode()
            self.send_response(int(status))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
