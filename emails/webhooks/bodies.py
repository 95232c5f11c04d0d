"""Reading a webhook's raw bytes, on which its signature stands, and answering its sender."""

from django.http import HttpRequest, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError


def raw_body(request: HttpRequest, most_bytes: int) -> bytes | None:
    """None where there are too many. What breaks off on its way is empty, and so has no valid signature."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > most_bytes:
        return None
    try:
        body = request.body
    except (UnreadablePostError, RawPostDataException):
        return b""
    return body if len(body) <= most_bytes else None


def answer(status: int, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status)
