"""The pages under /settings, where users change their own account."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import services
from accounts.client_info import Requester
from accounts.models import User
from accounts.pages.context import render_form_page
from accounts.pages.forms import (
    ChangeEmailForm,
    ChangePasswordForm,
    DeleteAccountForm,
    DeviceForm,
    KeepAddressRequestForm,
    ProfileForm,
)
from accounts.pages.views import redirect_after_logout
from accounts.throttling import EMAIL_CHANGE_LIMITS, EXPORT_LIMITS, KEEP_ADDRESS_LIMITS, PASSWORD_LIMITS, PROFILE_LIMITS
from common.pages import page_view, post_data
from common.throttling import person_subject


@login_required
@page_view(limits=PROFILE_LIMITS)
def profile(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = ProfileForm(post_data(request), initial={"name": user.name, "language": user.language})
    if form.is_valid():
        services.update_profile(user=user, **form.cleaned_data)
        with translation.override(user.language):  # the next page is in the new language
            messages.success(request, _("Your profile has been saved."))
        return redirect("pages:settings")
    return render_form_page(request, "accounts/settings/profile.html", form)


@login_required
@page_view(limits=EMAIL_CHANGE_LIMITS)
def email(request: HttpRequest) -> HttpResponse:
    form = ChangeEmailForm(post_data(request))
    with form.collect_errors():
        if form.is_valid():
            requester = Requester(person_subject(request))
            services.request_email_change(user=cast(User, request.user), requester=requester, **form.cleaned_data)
            messages.success(
                request,
                _("Open the link we emailed to your new address. Until then, your current address stays active."),
            )
            return redirect("pages:settings-email")
    undo = services.open_undo(user=cast(User, request.user))
    return render_form_page(request, "accounts/settings/email.html", form, undo=undo)


@login_required
@page_view(limits=KEEP_ADDRESS_LIMITS)
def keep_email(request: HttpRequest) -> HttpResponse:
    """Send a link with which a change of the email address becomes final."""
    user = cast(User, request.user)
    form = KeepAddressRequestForm(post_data(request))
    with form.collect_errors():
        if form.is_valid():
            services.request_address_keeping(user=user, **form.cleaned_data)
            messages.success(request, _("Open the link we emailed to you. Then the change is final."))
            return redirect("pages:settings-email")
    undo = services.open_undo(user=user)
    return render_form_page(request, "accounts/settings/keep_email.html", form, undo=undo)


@page_view(methods=["GET", "HEAD"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Redirect password managers, which know only this URL: https://www.w3.org/TR/change-password-url/."""
    return redirect("pages:settings-password")


@login_required
@page_view(limits=PASSWORD_LIMITS)
def password(request: HttpRequest) -> HttpResponse:
    form = ChangePasswordForm(post_data(request))
    with form.collect_errors():
        if form.is_valid():
            services.change_password(user=cast(User, request.user), session=request.session, **form.cleaned_data)
            messages.success(request, _("Your password has been changed, and all other devices have been logged out."))
            return redirect("pages:settings-password")
    return render_form_page(request, "accounts/settings/password.html", form)


@login_required
@page_view()
def devices(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = DeviceForm(post_data(request))
    if form.is_bound:
        if not (form.is_valid() and services.end_device(user=user, device_id=form.cleaned_data["device"])):
            raise Http404  # also for a device of another user, so that nothing reveals it
        messages.success(request, _("The device has been logged out."))
        return redirect("pages:settings-devices")
    logged_in_devices = services.list_devices(user=user, session_key=request.session.session_key)
    return render_form_page(request, "accounts/settings/devices.html", form, devices=logged_in_devices)


@login_required
@page_view()
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Log out everywhere. A GET comes from a login that interrupted the POST, and leads back to the button."""
    if request.method != "POST":
        return redirect("pages:settings-devices")
    services.log_out_everywhere(user=cast(User, request.user))
    return redirect_after_logout(request, _("All devices have been logged out, including this one."))


@login_required
@page_view(limits=PASSWORD_LIMITS)
def data(request: HttpRequest) -> HttpResponse:
    form = DeleteAccountForm(post_data(request))
    with form.collect_errors():
        if form.is_valid():
            services.delete_account(user=cast(User, request.user), **form.cleaned_data)
            return redirect_after_logout(request, _("Your account has been deleted."))
    return render_form_page(request, "accounts/settings/data.html", form)


@login_required
@page_view(limits=EXPORT_LIMITS, methods=["GET", "HEAD"])
def export(request: HttpRequest) -> HttpResponse:
    headers = {"Content-Disposition": 'attachment; filename="account.json"'}
    exported = services.export_data(user=cast(User, request.user))
    return JsonResponse(exported, json_dumps_params={"indent": 2}, headers=headers)
