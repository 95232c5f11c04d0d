"""Makes requests readable before Django sees them: an exception in its request object would get no response of ours."""

import io
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.utils.http import parse_header_parameters


class ReadableRequests:
    """Wraps a WSGI application.

    - Every body counts as UTF-8. Django would decode with any codec of Python, such as hex.
    - Headers whose parameters can't be parsed are dropped.
    - A chunked body gets a length, except below RAW_BODY_PREFIXES. Django reads no body without one.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["CONTENT_TYPE"] = readable_content_type(environ.get("CONTENT_TYPE", ""))
        environ["HTTP_ACCEPT"] = readable_accept(environ.get("HTTP_ACCEPT", "*/*"))
        if is_chunked(environ) and not environ.get("PATH_INFO", "").startswith(settings.RAW_BODY_PREFIXES):
            # One byte more than is allowed, so that the length shows that the body is too large.
            body = read_chunks(environ["wsgi.input"], settings.MAX_PAGE_BODY_BYTES + 1)
            environ["CONTENT_LENGTH"] = str(len(body)) if body is not None else "1"
            environ["wsgi.input"] = io.BytesIO(body) if body is not None else BrokenBody()
        return self._application(environ, start_response)


def readable_content_type(header: str) -> str:
    """Return the header without a charset, and without all parameters if they can't be parsed.

    Without one, Django decodes with UTF-8, as HTML forms do. With one, even UTF-8, it parses the query string while it
    creates the request, where no exception becomes a response.
    """
    parameters = header_parameters(header)
    if parameters is not None and "charset" not in parameters:
        return header
    boundary = (parameters or {}).get("boundary", "").replace("\\", "\\\\").replace('"', '\\"')
    media_type = header.partition(";")[0].strip()
    return f'{media_type}; boundary="{boundary}"' if boundary else media_type


def readable_accept(header: str) -> str:
    """Return the header, or ``*/*`` if its parameters can't be parsed."""
    return header if all(header_parameters(item) is not None for item in header.split(",")) else "*/*"


def header_parameters(header: str) -> dict[str, str] | None:
    """Return the parameters, or None if Django can't parse them."""
    try:
        parameters: dict[str, str] = parse_header_parameters(header)[1]
    except (ValueError, LookupError):  # LookupError: name*=codec''value, with an unknown codec
        return None
    return parameters


def is_chunked(environ: WSGIEnvironment) -> bool:
    has_length = bool(environ.get("CONTENT_LENGTH"))
    return not has_length and bool(environ.get("HTTP_TRANSFER_ENCODING")) and bool(environ.get("wsgi.input_terminated"))


def read_chunks(stream: Any, max_bytes: int) -> bytes | None:
    """Return at most ``max_bytes``, or None if the chunks are malformed."""
    try:
        body: bytes = stream.read(max_bytes)
    except Exception:  # each WSGI server raises its own exception for malformed chunks
        return None
    return body


class BrokenBody(io.RawIOBase):
    """A body that can't be read. Django and the API's parser know how to respond to an OSError."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        raise OSError("The chunks of the body are malformed.")
