"""What is answered when nothing else can be: pages for people, JSON below /api/."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.http import require_safe

Handler = Callable[..., HttpResponse]
API = "/api/"


def answered_as_json(detail: str) -> Callable[[Handler], Handler]:
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


bad_request = answered_as_json("The request can't be read.")(defaults.bad_request)
permission_denied = answered_as_json("You don't have permission to do this.")(defaults.permission_denied)
page_not_found = answered_as_json("There's nothing at this URL.")(defaults.page_not_found)
server_error = answered_as_json("Something went wrong on our side. Try again later.")(defaults.server_error)


@require_safe
def no_pages(request: HttpRequest) -> HttpResponse:
    """/ while PAGES_ENABLED is false: where the pages are instead. No redirect, which could lead back here."""
    return JsonResponse({"name": settings.BRAND_NAME, "pages": settings.APP_URL, "documentation": "/api/docs/"})
