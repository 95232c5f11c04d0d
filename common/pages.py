"""What all pages share: the allowed methods, the rate limits, no caching, and forms."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from common.errors import ApplicationError, ServerBusy
from common.throttling import Limits, seconds_to_wait, unlimited

View = Callable[..., HttpResponse]
METHODS = ("GET", "HEAD", "POST")
# For pages with a token in their URL: other sites must not see its path. With "no-referrer" a browser would hide the
# form's origin too, and the CSRF check would reject the form.
TOKEN_HEADERS = {"Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex"}


def page_view(*, limits: Limits = unlimited, methods: Sequence[str] = METHODS) -> Callable[[View], View]:
    """Return a decorator for the view of a page. If the page requires a login, place it below login_required."""

    def decorate(view: View) -> View:
        @wraps(view)
        def limited_view(request: HttpRequest, **arguments: Any) -> HttpResponse:
            # Only POSTs count, because only sending a form can be abused. A page without a form is limited for the work
            # that it causes, so every request counts.
            is_counted = request.method == "POST" or "POST" not in methods
            seconds = seconds_to_wait(limits, request) if is_counted else None
            return view(request, **arguments) if seconds is None else too_many_requests(request, ceil(seconds or 1))

        return never_cache(require_http_methods(methods)(limited_view))

    return decorate


class PageForm(Form):
    """A form as templates/forms/form.html shows it. Data without a declared field is ignored."""

    def __init__(self, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **{"label_suffix": "", **options})

    @contextmanager
    def collect_errors(self) -> Iterator[None]:
        """Turn an ApplicationError that is raised inside the block into errors of the form.

        Except for ServerBusy, for which the whole page gives way to server_busy().
        """
        try:
            yield
        except ServerBusy:
            raise
        except ApplicationError as error:
            for name, messages in error.fields.items():
                if name in self.fields:
                    self.add_error(name, messages)
            if not error.fields:
                self.add_error(None, ValidationError(error.message, code=error.code))


def too_many_requests(request: HttpRequest, seconds: int) -> HttpResponse:
    """Return the page that names the minutes to wait, with status 429."""
    context = {"minutes": ceil(seconds / 60)}
    response = render(request, "429.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(seconds)
    return response


def server_busy(request: HttpRequest, error: ServerBusy) -> HttpResponse:
    """Return the page that asks the person to try again, with status 503."""
    response = render(request, "503.html", {"message": error.message}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    if error.retry_after:
        response["Retry-After"] = str(ceil(error.retry_after.total_seconds()))
    return response


def post_data(request: HttpRequest) -> QueryDict | None:
    """Return the data to bind a form to: a POST's data, even if it is empty, or None for other methods."""
    return request.POST if request.method == "POST" else None


def render_form_page(request: HttpRequest, template: str, form: Form, **context: object) -> HttpResponse:
    """Render a page with a form; the status is 400 if the form has errors, as in the API."""
    status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    has_token = "token" in form.fields
    response = render(request, template, {"form": form, "has_token": has_token, **context}, status=status)
    if has_token:
        for name, value in TOKEN_HEADERS.items():
            response[name] = value
    return response
