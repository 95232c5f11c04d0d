"""A client's connection that never blocks: it keeps what the client doesn't accept yet, and the event loop sends it."""

import os
import select
import socket
import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from typing import Any

MAX_UNSENT_BYTES = 1024 * 1024  # of a response, in memory; files stay on disk
# How long a thread waits in total for the client of a response that is even larger.
MAX_WAIT = timedelta(seconds=10)


class BytesPart:
    def __init__(self, data: bytes) -> None:
        self.data = memoryview(data)

    def send(self, line: socket.socket) -> bool:
        """Send what the client accepts, and return whether that was everything."""
        self.data = self.data[socket.socket.send(line, self.data) :]
        return not self.data

    def close(self) -> None:
        self.data.release()


class FilePart:
    """A part of a file, with a descriptor of its own because the response closes the file."""

    def __init__(self, descriptor: int, offset: int, count: int) -> None:
        self.descriptor, self.offset, self.count = os.dup(descriptor), offset, count

    def send(self, line: socket.socket) -> bool:
        """As above. Raises OSError if the file has become shorter."""
        sent = os.sendfile(line.fileno(), self.descriptor, self.offset, self.count)
        if not sent and self.count:
            raise OSError("The file has fewer bytes than the response promised.")
        self.offset, self.count = self.offset + sent, self.count - sent
        return not self.count

    def close(self) -> None:
        os.close(self.descriptor)


class BufferedSocket(socket.socket):
    """Reads and writes return immediately, in the event loop and in a thread."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        super().setblocking(False)
        self.unsent: deque[BytesPart | FilePart] = deque()
        self._waited = 0.0  # seconds

    def setblocking(self, flag: bool) -> None:
        """Do nothing. gunicorn calls this before it hands the socket to a thread."""

    def settimeout(self, value: float | None) -> None:
        """Do nothing."""

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Return what has arrived. Raises TimeoutError if nothing has."""
        try:
            return super().recv(bufsize, flags)
        except BlockingIOError:
            raise TimeoutError("The client has sent no more than this.") from None

    def send(self, data: Any, flags: int = 0) -> int:
        self.sendall(data)
        return len(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.unsent.append(BytesPart(bytes(data)))
        if not self.flush() and self.unsent_bytes() > MAX_UNSENT_BYTES:
            self._wait_for_client()

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        if count is None:
            count = os.fstat(file.fileno()).st_size - offset
        self.unsent.append(FilePart(file.fileno(), offset, count))
        self.flush()
        return count

    def flush(self) -> bool:
        """Send what the client accepts, and return whether that was everything."""
        with suppress(BlockingIOError):
            while self.unsent and self.unsent[0].send(self):
                self.unsent.popleft().close()
        return not self.unsent

    def unsent_bytes(self) -> int:
        """Return how many bytes of the response are in memory."""
        return sum(len(part.data) for part in self.unsent if isinstance(part, BytesPart))

    def close(self) -> None:
        while self.unsent:
            self.unsent.popleft().close()
        super().close()

    def _wait_for_client(self) -> None:
        while self.unsent_bytes() > MAX_UNSENT_BYTES:
            started = time.monotonic()
            remaining = MAX_WAIT.total_seconds() - self._waited
            _, is_writable, _ = select.select([], [self], [], max(0, remaining))
            self._waited += time.monotonic() - started
            if not is_writable:
                raise TimeoutError("The client accepts the response too slowly.")
            self.flush()
