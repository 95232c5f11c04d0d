"""Responses to errors: pages for people, and JSON under /api/.

Django's own handlers check the CSRF token first, and parse the request's body for that. If the body is what caused the
error, the handler would fail too. These handlers read nothing but the path.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views.decorators.http import require_safe

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
server_error = error_handler(
    HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side. Try again later.", with_navigation=False
)


@require_safe
def no_pages(request: HttpRequest) -> HttpResponse:
    """Return where the pages are, for / if PAGES_ENABLED is false. A redirect could lead back here."""
    return JsonResponse({"name": settings.BRAND_NAME, "pages": settings.APP_URL, "documentation": "/api/docs/"})
