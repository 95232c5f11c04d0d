"""Who may use the development pages."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from common.local_requests import is_local_request

View = Callable[..., HttpResponse]


def development_only(*methods: str) -> Callable[[View], View]:
    """Return a decorator for views that respond with 404 unless DEBUG is on and the request is from this machine.

    Emails hold live links, so nobody may read them in production, even if the routes are included by mistake. Forms
    also need the CSRF token, so that no other site can submit them.
    """
    return lambda view: guarded(view, methods or ("GET", "HEAD"))


def guarded(view: View, methods: Sequence[str]) -> View:
    @wraps(view)
    def for_this_machine(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not (settings.DEBUG and is_local_request(request)):
            raise Http404
        return view(request, **arguments)

    # A cached copy in the browser would outlive the message and still hold its links.
    return never_cache(require_http_methods([*methods])(for_this_machine))
