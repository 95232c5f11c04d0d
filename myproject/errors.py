"""Responses to errors: pages for people, and JSON under /api/.

Django's own handlers check the CSRF token first, and parse the request's body for that. If the body is what caused the
error, the handler would fail too. These handlers read nothing but the path.
"""

import sys
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils import translation
from django.views.decorators.http import require_safe

from common import outages

Handler = Callable[..., HttpResponse]
API_PREFIX = "/api/"


def error_handler(status: HTTPStatus, detail: str, *, with_navigation: bool) -> Handler:
    """Return a handler that renders the page ``<status>.html``, or the detail as JSON for API clients.

    ``with_navigation`` shows who is logged in, which reads the database.
    """

    def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if request.path.startswith(API_PREFIX):
            return JsonResponse({"detail": detail}, status=status)
        page = loader.get_template(f"{status.value}.html")
        return HttpResponse(page.render(request=request if with_navigation else None), status=status)

    return handle


bad_request = error_handler(HTTPStatus.BAD_REQUEST, "The request can't be read.", with_navigation=False)
permission_denied = error_handler(HTTPStatus.FORBIDDEN, "You don't have permission to do this.", with_navigation=True)
page_not_found = error_handler(HTTPStatus.NOT_FOUND, "There's nothing at this URL.", with_navigation=True)
too_large = error_handler(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large. Send less at a time.", with_navigation=False
)
broken = error_handler(
    HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side. Try again later.", with_navigation=False
)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a 503 if the database is unavailable, wherever in the request that came to light, and otherwise a 500."""
    # Django calls this while it handles the exception, but doesn't pass it on.
    outage = outages.unavailable(sys.exc_info()[1])
    return broken(request) if outage is None else try_again(request, outage)


def try_again(request: HttpRequest, outage: outages.DatabaseUnavailable) -> HttpResponse:
    """Return the response to a request that needs the database. It reads no session, and no user."""
    response: HttpResponse
    # The middleware that activates the language may not have run.
    with translation.override(translation.get_language_from_request(request)):
        message = str(outage.default_message)
        if request.path.startswith((API_PREFIX, *settings.RAW_BODY_PREFIXES)):
            response = JsonResponse({"detail": message, "code": outage.code})
        else:
            response = HttpResponse(loader.get_template("outage.html").render({"message": message}))
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    if outage.retry_after:
        response["Retry-After"] = str(int(outage.retry_after.total_seconds()))
    response["Cache-Control"] = "no-store"
    vars(response)["_has_been_logged"] = True  # by Django's own logger, as an error
    return response


@require_safe
def no_pages(request: HttpRequest) -> HttpResponse:
    """Return where the pages are, for / if PAGES_ENABLED is false. A redirect could lead back here."""
    return JsonResponse({"name": settings.BRAND_NAME, "pages": settings.APP_URL, "documentation": "/api/docs/"})
