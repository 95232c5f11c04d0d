"""The language of a response, and the end of staff sessions."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import staff_sessions
from accounts.models import User


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
