"""A real name server on loopback, over UDP and TCP, which answers as a resolver does."""

import socket
import socketserver
import struct
import threading
import time
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

TTL = 300
CLASSIC_UDP_BYTES = 512
MAX_ALIASES = 20
PIECE = 255
ATTEMPTS = 50
RCODES = {"SERVFAIL": dns.rcode.SERVFAIL, "REFUSED": dns.rcode.REFUSED}


class NameServer:
    """``records`` holds the values by name and type.

    ``faults`` maps a name to "SERVFAIL", "REFUSED", "silence", "garbage", or "cut" (an answer that breaks off).
    ``queries`` lists the questions in order of arrival, with the protocol.
    """

    def __init__(self, *, follows_aliases: bool = True, latency: float = 0) -> None:
        self.records: dict[str, dict[str, list[str]]] = {}
        self.faults: dict[str, str] = {}
        self.queries: list[tuple[str, str, str]] = []
        self.follows_aliases = follows_aliases
        self.latency = latency  # seconds

    def __enter__(self) -> "NameServer":
        self._tcp, self._udp = self._bound_servers()
        self.port = self._udp.server_address[1]
        for server in (self._udp, self._tcp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def _bound_servers(self) -> tuple[socketserver.ThreadingTCPServer, socketserver.ThreadingUDPServer]:
        """Return two servers on the same port. A port that is free for one protocol may be taken for the other."""
        for _ in range(ATTEMPTS):
            tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(self, _answer_over_tcp))
            try:
                return tcp, socketserver.ThreadingUDPServer(tcp.server_address, _handler(self, _answer_over_udp))
            except OSError:
                tcp.server_close()
        raise RuntimeError("no port is free for both protocols")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self, name: str, kind: str, *values: str) -> None:
        """Add records in the notation of zone files, but TXT records as plain text, which is cut into pieces."""
        values = tuple(quoted(value) for value in values) if kind == "TXT" else values
        self.records.setdefault(name.lower().rstrip("."), {}).setdefault(kind, []).extend(values)

    def load(self, zone: str) -> None:
        """Add one record per line: its name, its type, and its value. A line with a fault has two words."""
        for line in filter(None, map(str.strip, zone.splitlines())):
            name, kind, *value = line.split(" ", 2)
            if value:
                self.add(name, kind, value[0])
            else:
                self.faults[name] = kind

    def answer(self, wire: bytes, protocol: str) -> bytes | None:
        """Return the response in wire format, or None to remain silent."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = str(question.name).lower().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, kind, protocol))
        time.sleep(self.latency)
        fault = self.faults.get(name, "")
        if fault == "silence":
            return None
        if fault == "garbage":
            return wire[:2] + b"\xff" * 40
        response = dns.message.make_response(query, recursion_available=True)
        response.set_rcode(RCODES[fault] if fault in RCODES else self.fill(response, name, kind))
        return response.to_wire(max_size=65535) if fault != "cut" else response.to_wire(max_size=65535)[:-7]

    def fill(self, response: Any, name: str, kind: str) -> dns.rcode.Rcode:
        """Add the answer, with the CNAME records that lead to it, and return the code."""
        for _ in range(MAX_ALIASES):
            here = self.records.get(name, {})
            for found in dict.fromkeys(["CNAME", kind]):
                if values := here.get(found):
                    response.answer.append(dns.rrset.from_text_list(f"{name}.", TTL, "IN", found, values))
            if kind == "CNAME" or "CNAME" not in here:
                break
            name = here["CNAME"][0].lower().rstrip(".")
            if not self.follows_aliases or self.faults.get(name):
                return RCODES.get(self.faults.get(name, ""), dns.rcode.NOERROR)
        return dns.rcode.NOERROR if self.exists(name) else dns.rcode.NXDOMAIN

    def exists(self, name: str) -> bool:
        """Return whether a name or a name below it has records."""
        return any(known == name or known.endswith(f".{name}") for known in self.records)


def quoted(text: str) -> str:
    raw = text.encode()
    pieces = [raw[start : start + PIECE] for start in range(0, len(raw), PIECE)] or [b""]
    return " ".join('"' + "".join(escaped(byte) for byte in piece) + '"' for piece in pieces)


def escaped(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\{byte:03}"


def _handler(server: NameServer, respond: Any) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            respond(server, self.request)(self)

    return Handler


def _answer_over_udp(server: NameServer, request: Any) -> Any:
    wire, sender = request[0], request[1]

    def send(handler: Any) -> None:
        response = server.answer(wire, "UDP")
        limit = max(CLASSIC_UDP_BYTES, dns.message.from_wire(wire).payload)
        if response is not None and len(response) > limit:
            truncated = dns.message.make_response(dns.message.from_wire(wire), recursion_available=True)
            truncated.flags |= dns.flags.TC
            response = truncated.to_wire()
        if response is not None:
            sender.sendto(response, handler.client_address)

    return send


def _answer_over_tcp(server: NameServer, connection: socket.socket) -> Any:
    def send(_: Any) -> None:
        size = connection.recv(2, socket.MSG_WAITALL)
        if len(size) == 2:
            wire = connection.recv(struct.unpack("!H", size)[0], socket.MSG_WAITALL)
            response = server.answer(wire, "TCP")
            if response is not None:
                connection.sendall(struct.pack("!H", len(response)) + response)

    return send
