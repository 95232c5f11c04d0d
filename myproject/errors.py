"""What is answered when nothing else can be: pages for people, JSON below /api/."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.http import require_safe

Handler = Callable[..., HttpResponse]
API = "/api/"


def json_for_api_clients(detail: str) -> Callable[[Handler], Handler]:
    """Decorates Django's handler of an error: a client of the API gets the detail instead of a page."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def answer(request: HttpRequest, *arguments: object, **named: object) -> HttpResponse:
            shown = handler(request, *arguments, **named)
            if request.path.startswith(API):
                return JsonResponse({"detail": detail}, status=shown.status_code)
            return shown

        return answer

    return decorate


bad_request = json_for_api_clients("The request cannot be read.")(defaults.bad_request)
permission_denied = json_for_api_clients("You may not do this.")(defaults.permission_denied)
page_not_found = json_for_api_clients("There is nothing at this address.")(defaults.page_not_found)
server_error = json_for_api_clients("Something went wrong here. It was noted; try again later.")(defaults.server_error)


@require_safe
def no_pages(request: HttpRequest) -> HttpResponse:
    """/ while PAGES_ENABLED is false: where the pages are instead. No redirect, which could lead back here."""
    return JsonResponse({"name": settings.BRAND_NAME, "pages": settings.APP_URL, "documentation": "/api/docs/"})
