"""A real SMTP server on loopback, which follows a script."""

import contextlib
import socket
import threading
import time


class SmtpServer:
    """`messages` holds what it accepted, and `envelopes` the sender and recipients of each.

    `script` maps a verb, or a verb and an address such as "RCPT ada@example.com", to a response, "drop" (hang up), or
    "silence".
    """

    def __init__(self):
        self.messages = []
        self.envelopes = []
        self.script = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rwb") as line, contextlib.suppress(OSError, EOFError):
            self._respond(line, "GREETING", "220 here")
            envelope: list[str] = []
            while command := line.readline().decode().strip():
                verb = command.split(" ")[0].split(":")[0].upper()
                usual = {"DATA": "354 go on", "EHLO": "250-here\r\n250 AUTH PLAIN"}.get(verb, "250 fine")
                address = command.partition("<")[2].partition(">")[0]
                response = self._respond(line, self._key(verb, address), usual)
                if verb == "MAIL":
                    envelope = []
                if verb in ("MAIL", "RCPT") and response.startswith("2"):
                    envelope.append(address)
                if verb == "DATA" and not self.script.get("DATA", "354").startswith(("4", "5")):
                    self._accept_message(line, envelope)

    def _key(self, verb, address):
        return f"{verb} {address}" if f"{verb} {address}" in self.script else verb

    def _accept_message(self, line, envelope):
        lines = []
        while (text := line.readline()) not in (b".\r\n", b""):
            lines.append(text)
        self.messages.append(b"".join(lines))
        self.envelopes.append((envelope[0], envelope[1:]))
        self._respond(line, "DOT", "250 accepted")

    def _respond(self, line, verb, usual):
        response = self.script.get(verb, usual)
        if response == "drop":
            raise EOFError
        if response == "silence":
            time.sleep(3)
        line.write(response.encode() + b"\r\n")
        line.flush()
        return response
