"""Responses to errors: pages for people, and JSON under /api/."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.http import require_safe

Handler = Callable[..., HttpResponse]
API_PREFIX = "/api/"


def json_for_api_clients(detail: str) -> Callable[[Handler], Handler]:
    """Decorate an error handler of Django: API clients get the detail as JSON instead of the handler's page."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            page = handler(request, *args, **kwargs)
            if request.path.startswith(API_PREFIX):
                return JsonResponse({"detail": detail}, status=page.status_code)
            return page

        return handle

    return decorate


bad_request = json_for_api_clients("The request can't be read.")(defaults.bad_request)
permission_denied = json_for_api_clients("You don't have permission to do this.")(defaults.permission_denied)
page_not_found = json_for_api_clients("There's nothing at this URL.")(defaults.page_not_found)
server_error = json_for_api_clients("Something went wrong on our side. Try again later.")(defaults.server_error)


@require_safe
def no_pages(request: HttpRequest) -> HttpResponse:
    """Return where the pages are, for / if PAGES_ENABLED is false. A redirect could lead back here."""
    return JsonResponse({"name": settings.BRAND_NAME, "pages": settings.APP_URL, "documentation": "/api/docs/"})
