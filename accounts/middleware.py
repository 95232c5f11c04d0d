"""The language of a response, the end of staff sessions, and the response if too many people log in at once."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import staff_sessions
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

    The API has its own response (common/api/errors.py). This one is for all pages, including the admin.
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


def staff_session_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Log staff out after STAFF_SESSION_IDLE_MINUTES without a request, and STAFF_SESSION_HOURS after the login."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if is_staff(request) and staff_sessions.is_over(request.session):
            logout(request)
            messages.info(request, _("To protect this site, staff are logged out after a while. Please log in again."))
        response = get_response(request)
        if is_staff(request):
            staff_sessions.touch(request.session)
        return response

    return middleware


def is_staff(request: HttpRequest) -> bool:
    # Superusers who aren't staff can't use the admin, but superuser status counts everywhere else.
    return isinstance(request.user, User) and (request.user.is_staff or request.user.is_superuser)
