"""Middleware that runs before all other middleware."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from common.client_ip import warn_if_header_is_ignored
from myproject import health

PROBES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {"/healthz": health.healthz, "/readyz": health.readyz}


def probe_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Respond to /healthz and /readyz, with or without a trailing slash.

    Load balancers and Kubernetes send these requests to an IP address and over plain HTTP. ALLOWED_HOSTS would respond
    with 400, and SECURE_SSL_REDIRECT with a redirect.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        warn_if_header_is_ignored(request)
        view = PROBES.get(request.path_info.removesuffix("/"), get_response)
        return view(request)

    return middleware
