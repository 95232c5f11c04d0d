"""What every webhook receiver needs: the raw bytes that were signed, the signature check, and the response."""

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from prometheus_client import Counter

MAX_SIGNATURES = 20  # in one header. A sender signs with each of its active secrets, and it has a few at most.
MAX_TIMESTAMP_DIGITS = 12

RESPONSES = Counter("webhook_responses", "Responses to requests of webhooks, by HTTP status.", ["receiver", "status"])

View = Callable[..., HttpResponse]


def count_responses(receiver: Callable[..., str]) -> Callable[[View], View]:
    """Count the responses of a view. ``receiver`` returns whose webhook it is, from the arguments in the URL."""

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, **arguments: Any) -> HttpResponse:
            response = view(request, **arguments)
            RESPONSES.labels(receiver(**arguments), str(response.status_code)).inc()
            return response

        return counted

    return decorate


def raw_body(request: HttpRequest, max_bytes: int) -> bytes | None:
    """Return the body as it was sent, or None if it is larger than ``max_bytes``.

    A body that breaks off is returned as empty, and so has no valid signature.
    """
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length) > max_bytes:
        return None
    is_chunked = not length and request.META.get("wsgi.input_terminated")
    body = _chunked_body(request, max_bytes) if is_chunked else _whole_body(request)
    return body if len(body) <= max_bytes else None


def _whole_body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except (UnreadablePostError, RawPostDataException):
        return b""


def _chunked_body(request: HttpRequest, max_bytes: int) -> bytes:
    """Without a Content-Length, Django reads nothing. The WSGI server knows where the chunks end."""
    try:
        body: bytes = request.META["wsgi.input"].read(max_bytes + 1)
    except Exception:  # each WSGI server raises its own exception for malformed chunks
        return b""
    return body


def is_fresh(timestamp: str, now: float, *, past: timedelta, future: timedelta) -> bool:
    """Return whether ``timestamp``, in Unix seconds, is at most ``past`` before and ``future`` after ``now``.

    False for a text that isn't a Unix time.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MAX_TIMESTAMP_DIGITS):
        return False
    age = int(now) - int(timestamp)
    return -future.total_seconds() <= age <= past.total_seconds()


def hmac_sha256(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")


def is_base64_of(signature: str, digest: bytes) -> bool:
    """Return whether the signature is the digest in base64. Takes the same time for every signature."""
    return _is_equal(signature, base64.b64encode(digest))


def is_hex_of(signature: str, digest: bytes) -> bool:
    """Return whether the signature is the digest in hexadecimal. Takes the same time for every signature."""
    return _is_equal(signature, digest.hex().encode())


def _is_equal(signature: str, expected: bytes) -> bool:
    # compare_digest raises TypeError for text beyond ASCII, and a header may hold any character.
    return hmac.compare_digest(signature.encode(errors="replace"), expected)


def decode_base64(text: str) -> bytes:
    """Return the bytes that ``text`` encodes, or empty bytes if it isn't base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def detail_response(status: int, detail: str) -> JsonResponse:
    """Return the JSON body that every refusal has: one sentence under ``detail``."""
    return JsonResponse({"detail": detail}, status=status)
