"""One ID per request: taken from X-Request-ID or generated, returned in the same header, and in every log line."""

from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from common.log_context import about, is_well_formed
from common.redaction import cleaned

HEADER = "X-Request-ID"
META_KEY = "request_id"  # in request.META, which gunicorn's access log sees as well

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def request_id_middleware(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request_id = request.META[META_KEY] = id_from(request.META.get("HTTP_X_REQUEST_ID"))
        with about(request_id=request_id):
            response = get_response(request)
        response.headers[HEADER] = request_id
        return response

    return middleware


def id_from(header: str | None) -> str:
    """Return the client's ID, or a new one if it is malformed or looks like a key or an address."""
    if header and is_well_formed(header) and cleaned(header) == header:
        return header
    return uuid4().hex
