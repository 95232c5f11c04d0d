"""Middleware of the project: security headers, probes, and bodies that can't be read."""

from collections.abc import Callable
from math import inf

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase

from common.client_ip import warn_if_header_is_ignored
from myproject import errors, health, metrics

GetResponse = Callable[[HttpRequest], HttpResponseBase]

PROBES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "/healthz": health.healthz,
    "/readyz": health.readyz,
    "/metrics": metrics.metrics,
}

MAX_LENGTH_DIGITS = 18

# What SecurityMiddleware and XFrameOptionsMiddleware add later in the chain. Here it also covers probes, and responses
# to requests that fail before they get there. A header that a view has set stays.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY or "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": settings.PERMISSIONS_POLICY,
}


def security_headers_middleware(get_response: GetResponse) -> GetResponse:
    """Add the headers above to every response, and keep responses of the API out of every cache."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path.startswith(errors.API_PREFIX):
            # Responses contain personal data and tokens. The schema, which is public, sets a value of its own.
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def probe_middleware(get_response: GetResponse) -> GetResponse:
    """Respond to /healthz, /readyz, and /metrics, with or without a trailing slash.

    Load balancers, Kubernetes, and Prometheus send these requests to an IP address and over plain HTTP. ALLOWED_HOSTS
    would respond with 400, and SECURE_SSL_REDIRECT with a redirect.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        warn_if_header_is_ignored(request)
        view = PROBES.get(request.path_info.removesuffix("/"), get_response)
        return view(request)

    return middleware


def readable_cookies_middleware(get_response: GetResponse) -> GetResponse:
    r"""Drop cookies with control characters: ``\000`` in a cookie becomes NUL, for which PostgreSQL raises an error."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if (name + value).isprintable()}
        return get_response(request)

    return middleware


def readable_body_middleware(get_response: GetResponse) -> GetResponse:
    """Respond with 413 to a page's request with a large body, and with 400 to a form that can't be parsed.

    The form is parsed here, once. Otherwise, each of Django's parts that look at it would have to handle every error.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith((errors.API_PREFIX, *settings.RAW_BODY_PREFIXES)):  # these have their own limits
            return get_response(request)
        if content_length(request) > settings.MAX_PAGE_BODY_BYTES:
            return errors.too_large(request)
        parse_form(request)
        return get_response(request)

    return middleware


def content_length(request: HttpRequest) -> float:
    """Return the length that the client announced. A server without limits could pass on any number of digits."""
    digits = request.META.get("CONTENT_LENGTH") or "0"
    if not (digits.isascii() and digits.isdigit()):
        return 0  # Django reads no body then
    return int(digits) if len(digits) <= MAX_LENGTH_DIGITS else inf


def parse_form(request: HttpRequest) -> None:
    """Parse ``request.POST``. Raises one of the exceptions that Django turns into a 400."""
    try:
        request.POST  # noqa: B018
    except (BadRequest, MultiPartParserError, SuspiciousOperation):
        raise
    except Exception as error:  # Django lets several through, such as LookupError for a codec in a part's headers
        request.POST = QueryDict()  # so that nobody parses it again
        raise BadRequest("The body can't be parsed") from error
