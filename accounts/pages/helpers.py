"""How pages answer: throttled as the API is, and never kept in a cache."""

from collections.abc import Callable, Sequence
from functools import wraps
from math import ceil
from typing import Any

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.parsers import BaseParser, FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.status import HTTP_200_OK, HTTP_400_BAD_REQUEST, HTTP_429_TOO_MANY_REQUESTS
from rest_framework.views import APIView

View = Callable[..., HttpResponse]
INBOX_ADDRESS = "inbox_address"  # in the session: where the mail went that the person is to look for
METHODS = ("GET", "HEAD", "POST")
# Where a token stands in the address: nothing is said of the path to any other request. With "no-referrer" a browser
# would hide the form's origin too, and the protection against forged requests refuse it.
TOKEN_HEADERS = {"Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex"}


class NoForm(BaseParser):
    """A body that is no form holds nothing for a page."""

    media_type = "*/*"

    def parse(self, *_: object, **__: object) -> dict[str, str]:
        return {}


def page(*, throttled_as: type[APIView] | None = None, methods: Sequence[str] = METHODS) -> Callable[[View], View]:
    """Decorates a view of a page, below login_required where that is needed.

    What is posted counts for the throttles of that view of the API; where nothing can be posted, every request does.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, **arguments: Any) -> HttpResponse:
            is_counted = request.method == "POST" or "POST" not in methods
            seconds = seconds_to_wait(request, throttled_as) if throttled_as and is_counted else None
            return view(request, **arguments) if seconds is None else too_many_requests(request, seconds)

        return never_cache(require_http_methods(methods)(answer))

    return decorate


def seconds_to_wait(request: HttpRequest, api_view: type[APIView]) -> int | None:
    """None for a request that the throttles of the API's view let through; it counts for them."""
    counted = Request(request, parsers=[FormParser(), MultiPartParser(), NoForm()])
    counted.user = request.user
    view = api_view()
    waits = [throttle.wait() for throttle in view.get_throttles() if not throttle.allow_request(counted, view)]
    return max(ceil(wait or 1) for wait in waits) if waits else None


def too_many_requests(request: HttpRequest, seconds: int) -> HttpResponse:
    answer = render(request, "429.html", {"minutes": ceil(seconds / 60)}, status=HTTP_429_TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(seconds)
    return answer


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: nothing when the page is only looked at, even if nothing was sent."""
    return request.POST if request.method == "POST" else None


def show(request: HttpRequest, template: str, form: Form, **context: object) -> HttpResponse:
    """A page with a form on it; 400 when the form was refused, as the API answers."""
    status = HTTP_400_BAD_REQUEST if form.errors else HTTP_200_OK
    has_token = "token" in form.fields
    shown = {"form": form, "has_token": has_token, "username": username(request), **context}
    answer = render(request, template, shown, status=status)
    if has_token:
        for name, value in TOKEN_HEADERS.items():
            answer[name] = value
    return answer


def username(request: HttpRequest) -> str:
    """Whose form it is, as far as this browser knows."""
    return request.user.get_username() or request.session.get(INBOX_ADDRESS, "")


def next_page(request: HttpRequest) -> str:
    """Where the person wanted to go before the login, if that is a page of this site."""
    target = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else settings.LOGIN_REDIRECT_URL
