"""The language of a response, and the response if too many people log in at once."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation

from accounts.hashers import in_request
from accounts.models import User
from common.errors import ServerBusy
from common.pages import server_busy


def user_language_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Use the language of the user's profile instead of the browser's, which LocaleMiddleware has activated."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        # A profile can still name a language that has been removed from the settings.
        if isinstance(user, User) and user.language in dict(settings.LANGUAGES):
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
        return get_response(request)

    return middleware


class ServerBusyMiddleware:
    """Limits how long a request waits to hash a password, and responds with a page if it had to give up.

    The API has its own response (common/api/errors.py). This one is for all pages, including those of the admin.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        marker = in_request.set(True)
        try:
            return self.get_response(request)
        finally:
            in_request.reset(marker)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return server_busy(request, exception) if isinstance(exception, ServerBusy) else None
