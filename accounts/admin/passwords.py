"""Password pages of the admin: staff change their own password and set the passwords of users."""

from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.forms import AdminPasswordChangeForm as DjangoOwnPasswordForm
from django.contrib.auth.forms import AdminPasswordChangeForm as DjangoPasswordForm
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import services
from accounts.errors import FieldRefused
from accounts.models import User
from accounts.throttling import PASSWORD_LIMITS
from common.pages import too_many_requests
from common.throttling import seconds_to_wait

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    PasswordFormBase = DjangoPasswordForm[User]
else:
    PasswordFormBase = DjangoPasswordForm

FIELDS = {"password": "old_password", "new_password": "new_password2"}  # of the service, and of the form


class OwnPasswordForm(DjangoOwnPasswordForm):
    """Django's form, except that the service checks the old password."""

    def clean_old_password(self) -> str:
        return str(self.cleaned_data["old_password"])


class OwnPasswordView(PasswordChangeView):
    """Changes the password of the person who is logged in, as /settings/password does."""

    form_class = OwnPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            services.change_password(
                user=cast(User, self.request.user),
                password=form.cleaned_data["old_password"],
                new_password=form.cleaned_data["new_password1"],
                session=self.request.session,
            )
        except FieldRefused as error:
            for field, messages in error.fields.items():
                form.add_error(FIELDS[field], messages)
            return self.form_invalid(form)
        return redirect("admin:password_change_done")


class PasswordForm(PasswordFormBase):
    """Sets another person's password. It logs them out everywhere and sends the password_changed email."""

    def save(self, commit: bool = True) -> User:
        if self.cleaned_data["set_usable_password"]:
            return super().save(commit)  # accounts.signals.end_access_after_new_password does the rest
        with transaction.atomic():
            user = super().save(commit)
            services.end_access_after_new_password(user=user)
        return user


def limit_passwords(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return the view with the limit that /settings/password has. Only POSTs count."""

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        seconds = seconds_to_wait(PASSWORD_LIMITS, request) if request.method == "POST" else None
        return view(request, *args, **kwargs) if seconds is None else too_many_requests(request, ceil(seconds or 1))

    return limited
