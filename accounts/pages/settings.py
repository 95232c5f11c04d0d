"""The pages below /settings: what people change about their own account, and about nobody else's."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import services
from accounts.api import views
from accounts.models import User
from accounts.pages.forms import ChangeEmailForm, ChangePasswordForm, DeleteAccountForm, DeviceForm, ProfileForm
from accounts.pages.helpers import page, posted, show
from accounts.pages.views import logged_out


@login_required
@page()
def profile(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = ProfileForm(posted(request), initial={"name": user.name, "language": user.language})
    if form.is_valid():
        services.update_profile(user=user, **form.cleaned_data)
        with translation.override(user.language):
            messages.success(request, _("Your profile has been saved."))
        return redirect("pages:settings")
    return show(request, "accounts/settings/profile.html", form)


@login_required
@page(throttled_as=views.ChangeEmailView)
def email(request: HttpRequest) -> HttpResponse:
    form = ChangeEmailForm(posted(request))
    with form.refusals():
        if form.is_valid():
            services.request_email_change(user=cast(User, request.user), **form.cleaned_data)
            messages.success(
                request,
                _("Open the link we emailed to your new address. Until then, your current address stays active."),
            )
            return redirect("pages:settings-email")
    return show(request, "accounts/settings/email.html", form)


@login_required
@page(throttled_as=views.ChangePasswordView)
def password(request: HttpRequest) -> HttpResponse:
    form = ChangePasswordForm(posted(request))
    with form.refusals():
        if form.is_valid():
            services.change_password(request=request, user=cast(User, request.user), **form.cleaned_data)
            messages.success(request, _("Your password has been changed, and all other devices have been logged out."))
            return redirect("pages:settings-password")
    return show(request, "accounts/settings/password.html", form)


@login_required
@page()
def devices(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = DeviceForm(posted(request))
    if form.is_bound:
        if not (form.is_valid() and services.end_device(user=user, device_id=form.cleaned_data["device"])):
            raise Http404
        messages.success(request, _("The device has been logged out."))
        return redirect("pages:settings-devices")
    found = services.list_devices(user=user, request=request)
    return show(request, "accounts/settings/devices.html", form, devices=found)


@login_required
@page()
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Looked at after a login that interrupted it, it leads back to the button."""
    if request.method != "POST":
        return redirect("pages:settings-devices")
    services.log_out_everywhere(user=cast(User, request.user))
    return logged_out(request, _("All devices have been logged out, including this one."))


@login_required
@page(throttled_as=views.ChangePasswordView)
def data(request: HttpRequest) -> HttpResponse:
    form = DeleteAccountForm(posted(request))
    with form.refusals():
        if form.is_valid():
            services.delete_account(user=cast(User, request.user), **form.cleaned_data)
            return logged_out(request, _("Your account has been deleted."))
    return show(request, "accounts/settings/data.html", form)


@login_required
@page(throttled_as=views.ExportView, methods=["GET", "HEAD"])
def export(request: HttpRequest) -> HttpResponse:
    answer = JsonResponse(services.export_data(user=cast(User, request.user)), json_dumps_params={"indent": 2})
    answer["Content-Disposition"] = 'attachment; filename="account.json"'
    return answer
