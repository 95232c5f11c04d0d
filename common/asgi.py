"""The same as common/wsgi.py, for ASGI servers. Django would also write every body to a temporary file."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings

from common.wsgi import readable_accept, readable_content_type

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

CLEANERS = {b"content-type": readable_content_type, b"accept": readable_accept}


class ReadableRequests:
    """Wraps an ASGI application: reads a body into memory, up to the limit, and cleans headers.

    From the length, the application sees whether a body was larger than the limit.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = [(name, clean(name, value)) for name, value in scope["headers"]]
        reads_raw_body = scope["path"].startswith(settings.RAW_BODY_PREFIXES)
        body = await read_body(receive, settings.MAX_RAW_BODY_BYTES if reads_raw_body else settings.MAX_PAGE_BODY_BYTES)
        headers = [(name, value) for name, value in headers if name != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            if messages:
                return messages.pop()
            while (message := await receive())["type"] == "http.request":
                pass  # the rest of a body that is too large
            return message

        await self._application({**scope, "headers": headers}, receive_again, send)


def clean(name: bytes, value: bytes) -> bytes:
    cleaner = CLEANERS.get(name)
    return cleaner(value.decode("latin-1")).encode("latin-1", "replace") if cleaner else value


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the body, or its first ``limit + 1`` bytes. A body that breaks off is returned as far as it came."""
    body = bytearray()
    while len(body) <= limit:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):  # also after http.disconnect
            break
    return bytes(body[: limit + 1])
