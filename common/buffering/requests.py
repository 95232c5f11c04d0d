"""The bytes of a request as they arrive, and the point at which they are complete.

gunicorn parses and validates them afterward. A request that it refuses anyway counts as complete.
"""

import re

MAX_HEAD_BYTES = 64 * 1024
# A little more than the largest body that a view reads. Larger bodies are not received: the view refuses them because
# of their Content-Length, or because they end too early. To accept larger files, raise this and the proxy's limit.
MAX_BODY_BYTES = 2 * 1024 * 1024 + 256 * 1024
MAX_CHUNK_LINE_BYTES = 1024

END_OF_HEAD = b"\r\n\r\n"
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
CONTENT_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r", re.IGNORECASE)
CHUNKED = re.compile(rb"\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
EXPECT_CONTINUE = re.compile(rb"\nexpect:[ \t]*100-continue[ \t]*\r", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"[0-9a-f]{1,15}", re.IGNORECASE)


class IncomingRequest:
    """Call ``add`` with the bytes in the order in which they arrive, until ``is_complete``."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.head_bytes = 0  # 0 until the head is complete
        self.is_complete = False
        self.is_head_too_large = False
        self.is_body_too_large = False  # also makes the request complete
        self.expects_continue = False
        self._body_end = 0
        self._next_chunk = 0  # where the line with the size of the next chunk begins; 0 if no chunk follows

    def add(self, data: bytes) -> None:
        scanned = len(self.received)
        self.received += data
        if not self.head_bytes:
            self._find_end_of_head(max(0, scanned - len(END_OF_HEAD) + 1))
        if self.head_bytes and not self.is_complete:
            self._find_end_of_body()

    def _find_end_of_head(self, start: int) -> None:
        end = self.received.find(END_OF_HEAD, start)
        if BARE_LINE_FEED.search(self.received, start, end if end >= 0 else len(self.received)):
            self.is_complete = True  # gunicorn refuses it
        elif end >= 0:
            self.head_bytes = end + len(END_OF_HEAD)
            self._read_head(bytes(self.received[: self.head_bytes]))
        self.is_head_too_large = (self.head_bytes or len(self.received)) > MAX_HEAD_BYTES

    def _read_head(self, head: bytes) -> None:
        self.expects_continue = bool(EXPECT_CONTINUE.search(head))
        if CHUNKED.search(head):
            self._next_chunk = self.head_bytes
        else:
            length = CONTENT_LENGTH.search(head)
            self._body_end = self.head_bytes + (int(length[1]) if length else 0)

    def _find_end_of_body(self) -> None:
        if self._next_chunk:
            self._skip_chunks()
        end = max(len(self.received), self._body_end, self._next_chunk)
        has_arrived = not self._next_chunk and len(self.received) >= self._body_end
        self.is_body_too_large = end > self.head_bytes + MAX_BODY_BYTES
        self.is_complete = has_arrived or self.is_body_too_large

    def _skip_chunks(self) -> None:
        """Move ``_next_chunk`` past the chunks whose size has arrived."""
        while self._next_chunk and self._next_chunk <= len(self.received):
            line_end = self.received.find(b"\r\n", self._next_chunk, self._next_chunk + MAX_CHUNK_LINE_BYTES)
            size = CHUNK_SIZE.match(self.received, self._next_chunk)
            if line_end < 0 and len(self.received) < self._next_chunk + MAX_CHUNK_LINE_BYTES:
                return
            if line_end < 0 or not size:  # gunicorn refuses it
                self._next_chunk = 0
            elif int(size[0], 16):
                self._next_chunk = line_end + 2 + int(size[0], 16) + 2
            elif self._has_trailers(line_end + 2):
                self._next_chunk = 0
            else:
                return

    def _has_trailers(self, start: int) -> bool:
        """Return whether the empty line has arrived that ends the body, after fields that nobody reads."""
        if len(self.received) - start > MAX_HEAD_BYTES:
            return True  # gunicorn refuses them
        return self.received.startswith(b"\r\n", start) or self.received.find(END_OF_HEAD, start) >= 0
