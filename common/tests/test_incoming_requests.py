"""The event loop and gunicorn agree on where a request ends: it counts as complete neither too early nor too late."""

from contextlib import suppress

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.errors import ParseException
from hypothesis import example, given
from hypothesis import strategies as st

from common.buffering.requests import MAX_BODY_BYTES, MAX_HEAD_BYTES, IncomingRequest

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    POST + b"Content-Length: 5\r\n\r\nabcde",
    POST + b"content-length:\t5 \r\n\r\n\r\n\r\nx",
    POST + b"Content-Length: 0\r\n\r\n",
    CHUNKED + b"0\r\n\r\n",
    CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n",
    CHUNKED + b"5\r\n\r\n0\r\n\r\nA\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
    CHUNKED + b"5;name=value\r\nabcde\r\n0\r\nX-End: 1\r\n\r\n",
    POST + b"TRANSFER-ENCODING: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
]
REFUSED = [
    b"GET / HTTP/1.1\nHost: a",
    b"\n",
    POST + b"Content-Length: -1\r\n\r\n",
    POST + b"Content-Length: five\r\n\r\n",
    POST + b"Transfer-Encoding: gzip\r\n\r\n",
    CHUNKED + b"x\r\n",
    CHUNKED + b"-5\r\n",
    CHUNKED + b"\r\n",
    CHUNKED + b"5;" + b"a" * 2000,
    CHUNKED + b"0\r\nX: " + b"a" * (MAX_HEAD_BYTES + 1),
]


def arrive(data: bytes, size: int = 65_536) -> IncomingRequest:
    request = IncomingRequest()
    for start in range(0, len(data), size):
        request.add(data[start : start + size])
    return request


class NothingMore(Exception):
    pass


def needs_more(data: bytes) -> bool:
    """Whether gunicorn would wait for the client."""

    def source():
        yield data
        raise NothingMore

    with suppress(ParseException, StopIteration):
        try:
            next(RequestParser(Config(), source(), ("127.0.0.1", 1))).body.read()
        except NothingMore:
            return True
    return False


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("data", WHOLE)
def test_request_is_complete_with_its_last_byte(data, size):
    assert not arrive(data[:-1], size).is_complete
    assert arrive(data, size).is_complete


@pytest.mark.parametrize("data", REFUSED)
def test_refused_request_is_not_waited_for(data):
    assert arrive(data).is_complete


@pytest.mark.parametrize(
    "head", [POST + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), CHUNKED + b"FFFFFFF\r\n"]
)
def test_huge_body_is_not_received(head):
    request = arrive(head)
    assert request.is_body_too_large
    assert request.is_complete


def test_huge_head_is_refused():
    assert arrive(POST + b"X: " + b"a" * MAX_HEAD_BYTES, 1000).is_head_too_large


LINES = [b"\r\n", b"\n", b"\r\n\r\n", b"\r", b"GET / HTTP/1.1", b"X: 1", b"Content-Length: 5", b"Content-Length: 0"]
CHUNKS = [b"0", b"5", b"a", b"abcde", b";x=1", b"\x00", b"Transfer-Encoding: chunked"]
FRAGMENTS = st.sampled_from([*LINES, *CHUNKS, POST, CHUNKED])


@given(st.lists(FRAGMENTS, min_size=1, max_size=12).map(b"".join), st.integers(1, 20))
@example(CHUNKED + b"5abcde\r\n", 1)
def test_complete_request_makes_no_thread_wait(data, size):
    request = arrive(data, size)
    if request.is_complete and not request.is_body_too_large:
        assert not needs_more(data)
