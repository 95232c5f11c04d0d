"""The devices of a person in the admin: every login, whether it is still active, and a button that ends it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts import services
from accounts.device_names import device_name
from accounts.models import Login, User
from common.admin import RowActionsAdmin

SHOWN = 200  # newest logins


def devices_page(admin: RowActionsAdmin, request: HttpRequest, user: User) -> HttpResponse:
    may_operate = admin.has_operate_permission(request, user)
    if request.method == "POST":
        if not may_operate:
            raise PermissionDenied
        return end_login(admin, request, user)
    active = {device.id for device in services.list_devices(user=user, session_key=None)}
    context = {
        **admin.admin_site.each_context(request),
        "title": "Devices",
        "subtitle": str(user),
        "opts": admin.opts,
        "original": user,
        "logins": [(login, device_name(login.user_agent), login.pk in active) for login in user.logins.all()[:SHOWN]],
        "may_operate": may_operate,
    }
    return TemplateResponse(request, "admin/accounts/user/devices.html", context)


def end_login(admin: RowActionsAdmin, request: HttpRequest, user: User) -> HttpResponse:
    login = login_in(request.POST.get("login", ""), user)
    if login is None or not services.end_device(user=user, device_id=login.pk):
        raise Http404("This device isn't logged in.")
    admin.log_change(request, user, f"Logged out {device_name(login.user_agent)}.")
    messages.success(request, "The device was logged out.")
    return redirect("admin:accounts_user_devices", user.pk)


def login_in(value: str, user: User) -> Any:
    is_number = value.isascii() and value.isdigit() and len(value) < len(str(2**63))
    return Login.objects.filter(user=user, pk=int(value)).first() if is_number else None
