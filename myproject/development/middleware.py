"""Middleware for settings that must never serve strangers: settings.development and settings.test."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseNotFound
from django.http.response import HttpResponseBase

from common.local_requests import is_local_request, is_remote_workspace

REFUSAL = """\
This server runs with development settings, so it responds only to this machine, at http://localhost:8000/ or the like.
For a server that others can reach, set DJANGO_SETTINGS_MODULE=settings.production. For a workspace of your own on
another machine, see REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN in .env.example.
"""


def this_machine_only_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Respond with 404 to requests that come from elsewhere, whatever the path, and to /dev/ with another Host header.

    They would otherwise get error pages with source code, and could sign webhooks with secrets that everyone knows.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_allowed_in_workspace = is_remote_workspace() and not request.path_info.startswith("/dev/")
        if is_allowed_in_workspace or is_local_request(request):
            return get_response(request)
        return HttpResponseNotFound(REFUSAL, content_type="text/plain")

    return middleware
