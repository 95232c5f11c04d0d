"""What is answered before anything else looks at the request."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from myproject import health

PROBES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {"/healthz": health.healthz, "/readyz": health.readyz}


def probe_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """/healthz and /readyz, with or without a slash behind.

    A load balancer or kubelet asks by IP address and in plain HTTP: ALLOWED_HOSTS would answer 400, and
    SECURE_SSL_REDIRECT would send it away.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        view = PROBES.get(request.path_info.removesuffix("/"), get_response)
        return view(request)

    return middleware
