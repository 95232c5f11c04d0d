"""A stand-in for the three providers: a real HTTP server on loopback that refuses what they refuse.

In a test:       with StandIn() as api: … api.url("resend"), api.accepted, api.faults = ["503", "cut-after"]
As a process:    python -m emails.tests.support.standin --port 8025 --latency 0.02 --tls DIRECTORY
                 GET /_standin/report
                 POST /_standin/control {"faults": […], "default": "503", "defaults": {"resend": "503"}, "down": true,
                                         "latency": 0, "limit": 5, "reset": true}

Faults are consumed one per request: "503", "429;retry-after=2", "500-html", "500-after" (the email is accepted
anyway), "cut-before", "cut-after", "timeout-before", "timeout-after", "rubbish-before", "rubbish", "truncated",
"trickle", "ok", or a Reply. After a "timeout", the deadline of a call from this process expires immediately.
"""

import argparse
import asyncio
import json
import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import Any

import trustme

from emails.tests.support.deadlines import pass_deadline
from emails.tests.support.provider_rules import Reply, error_body
from emails.tests.support.providers import CUT, ROUTES, SILENCE, Incoming, Providers

BASES = {"sequenzy": "/sequenzy/api/v1", "resend": "/resend", "sendgrid": "/sendgrid/v3"}
ABORT_WITH_RESET = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, limited to what a client that sends whole bodies needs."""

    def __init__(self, providers: "StandIn") -> None:
        self.providers = providers
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.providers.transports.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.providers.transports.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        method, path, _ = first.split(" ")
        self.buffer = rest[length:]
        self.handle(Incoming(method, path, headers, rest[:length]))

    def handle(self, request: Incoming) -> None:
        if request.path.startswith("/_standin/"):
            self.reply(control(self.providers, request))
            return
        self.providers.record_arrival()
        # An email is accepted when the response goes out, so a second call with the same key can meet a running one.
        running = (request.path, request.headers.get("idempotency-key", ""))
        if running[1] and running in self.providers.running:
            self.providers.calls += 1
            provider = ROUTES.get(request.path, "resend")
            self.reply(Reply(409, error_body(provider, 409, "in progress", "concurrent_idempotent_requests")))
        elif self.providers.latency:
            self.providers.running.add(running)
            asyncio.get_running_loop().call_later(self.providers.latency, self.finish, request, running)
        else:
            self.reply(self.providers.respond(request))

    def finish(self, request: Incoming, running: tuple[str, str]) -> None:
        self.providers.running.discard(running)
        self.reply(self.providers.respond(request))

    def reply(self, reply: Reply) -> None:
        if reply is SILENCE:
            pass_deadline(self.transport.get_extra_info("peername")[1])
            return
        if self.transport.is_closing():  # the caller was killed during the latency
            return
        if reply is CUT:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT_WITH_RESET)
            self.transport.abort()
            return
        data = serialized(reply)
        match reply.headers.get("X-Fault"):
            case "truncated":
                self.transport.write(data[:-2] if reply.body else data[:20])
                self.transport.close()
            case "trickle":
                self.trickle(data)
            case _:
                self.transport.write(data)

    def trickle(self, data: bytes) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data[:1])
            asyncio.get_running_loop().call_later(1, self.trickle, data[1:])


def serialized(reply: Reply) -> bytes:
    body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **reply.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} Whatever\r\n{lines}\r\n".encode("latin-1") + body


def control(providers: Providers, request: Incoming) -> Reply:
    if request.path == "/_standin/report":
        return Reply(200, providers.report())
    changes = json.loads(request.body)
    if changes.pop("reset", False):
        providers.reset()
    for name in changes.keys() & {"faults", "default", "defaults", "latency", "down", "limit"}:
        setattr(providers, name, changes[name])
    return Reply(200, providers.report())


class StandIn(Providers):
    """The providers behind a local port, served by a thread of this process."""

    def __init__(self, *, latency: float = 0, tls: bool = False, port: int = 0) -> None:
        super().__init__(latency)
        self.authority = trustme.CA() if tls else None
        self.port = port
        self.transports: set[asyncio.Transport] = set()

    def __enter__(self) -> "StandIn":
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self.start())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()
        self._loop.close()

    def _stop(self) -> None:
        self._server.close()
        for transport in self.transports:
            transport.abort()
        self._loop.call_soon(self._loop.stop)

    async def start(self) -> asyncio.Server:
        context = server_context(self.authority) if self.authority else None
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, ssl=context, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def url(self, provider: str) -> str:
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}{BASES[provider]}"


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


async def serve(arguments: argparse.Namespace) -> None:
    standin = StandIn(latency=arguments.latency, tls=bool(arguments.tls), port=arguments.port)
    if standin.authority:
        standin.authority.cert_pem.write_to_path(str(Path(arguments.tls) / "ca.pem"))
    server = await standin.start()
    print(standin.port, flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for the three email providers.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port; the port is printed")
    parser.add_argument("--latency", type=float, default=0, help="seconds before each response")
    parser.add_argument("--tls", metavar="DIR", default="", help="use TLS and write ca.pem there")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
