"""The project's URLs, and a page with a bug."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from myproject import urls
from myproject.urls import handler400, handler403, handler404, handler500  # noqa: F401  # Django looks these up here


def failing_page(request: HttpRequest) -> HttpResponse:
    secret = request.GET["token"]
    raise RuntimeError(f"{request.get_full_path()} {dict(request.headers)} token={secret}")


urlpatterns = [path("failing-page", failing_page), *urls.urlpatterns]
