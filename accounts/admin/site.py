"""The admin site: who gets in, and how staff change their own password.

The default site, which every app registers its models with, is a subclass: operations/admin/site.py.
"""

from collections.abc import Callable
from functools import wraps
from itertools import chain
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import TO_FIELD_VAR
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts.admin.login import LoginForm
from accounts.admin.passwords import OwnPasswordView, limit_passwords
from accounts.device_cookies import set_device_cookie
from accounts.models import User

View = Callable[..., Any]
LANGUAGE = "en-us"


class AdminSite(admin.AdminSite):
    login_form = LoginForm

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Return the view with Django's checks, in English, and with the response 400 to what no database can store."""
        return in_english(super().admin_view(refuse_unreadable(view), cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().login(request, extra_context)
        if request.method == "POST" and isinstance(request.user, User) and response.status_code == 302:
            set_device_cookie(response, request.user)  # as on the site's own login page
        return response

    @method_decorator(never_cache)
    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        request.current_app = self.name  # the admin's templates read it
        context = {**self.each_context(request), **(extra_context or {})}
        return limit_passwords(OwnPasswordView.as_view(extra_context=context))(request)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Search only for fields that an admin searches with this view. With other fields, Django's own can fail."""
        name = tuple(request.GET.get(part, "") for part in ("app_label", "model_name", "field_name"))
        if name not in self.autocomplete_names():
            raise PermissionDenied
        return super().autocomplete_view(request)

    def autocomplete_names(self) -> set[tuple[str, ...]]:
        return {
            (options.opts.app_label, str(options.opts.model_name), field)
            for options in chain.from_iterable([model, *model.inlines] for model in self._registry.values())
            for field in options.autocomplete_fields
        }


def in_english(view: View) -> View:
    """Return the view in the only language that the admin has, and with its own format of dates (settings/formats)."""

    @wraps(view)
    def translated(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        # Until the end of the request, because the template is rendered after the view has returned.
        translation.activate(LANGUAGE)
        request.LANGUAGE_CODE = LANGUAGE
        return view(request, *args, **kwargs)

    return translated


def refuse_unreadable(view: View) -> View:
    """Return the view with the response 400 to what no database can store or no list offers."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        values = chain.from_iterable(
            [name, *texts] for data in (request.GET, request.POST) for name, texts in data.lists()
        )
        if "\0" in request.path or any("\0" in value for value in values):
            raise BadRequest("The request contains a NUL character.")
        if "" in request.GET.getlist(TO_FIELD_VAR) + request.POST.getlist(TO_FIELD_VAR):
            raise BadRequest(f"{TO_FIELD_VAR} is empty.")  # Django refuses other unknown fields itself
        try:
            return view(request, *args, **kwargs)
        # Django logs a SuspiciousOperation with a traceback at ERROR, but a mistyped filter needs nobody's attention.
        except (DataError, OverflowError, SuspiciousOperation) as error:
            raise BadRequest(str(error)) from error

    return checked
