"""Reading a webhook's raw bytes, on which its signature stands, and answering its sender."""

from django.http import HttpRequest, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError


def raw_body(request: HttpRequest, most_bytes: int) -> bytes | None:
    """None where there are too many. What breaks off on its way is empty, and so has no valid signature."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length) > most_bytes:
        return None
    is_chunked = not length and request.META.get("wsgi.input_terminated")
    body = chunks_of(request, most_bytes) if is_chunked else whole_body_of(request)
    return body if len(body) <= most_bytes else None


def whole_body_of(request: HttpRequest) -> bytes:
    try:
        return request.body
    except (UnreadablePostError, RawPostDataException):
        return b""


def chunks_of(request: HttpRequest, most_bytes: int) -> bytes:
    """A body without a Content-Length: the server knows where it ends, and Django reads none of it."""
    try:
        body: bytes = request.META["wsgi.input"].read(most_bytes + 1)
    except Exception:  # every server has errors of its own for chunks that are none
        return b""
    return body


def answer(status: int, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status)
