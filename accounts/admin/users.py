"""A user's page: the person, what happened to them newest first, and what staff can do for them."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm as DjangoAdminPasswordChangeForm
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from accounts.admin.actions import OPERATIONS, OperationRefused
from accounts.admin.timeline import timeline
from accounts.mail import send_password_changed_email
from accounts.models import User
from accounts.services.deletion import erase, refusal_to_delete
from accounts.services.devices import log_out_everywhere
from emails.tracking.suppressions import is_suppressed

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    UserAdminBase = DjangoUserAdmin[User]
    AdminPasswordChangeForm = DjangoAdminPasswordChangeForm[User]
else:
    UserAdminBase = DjangoUserAdmin
    AdminPasswordChangeForm = DjangoAdminPasswordChangeForm


class PasswordForm(AdminPasswordChangeForm):
    """Whoever was in with the old password is out, and the person is told."""

    def save(self, commit: bool = True) -> User:
        with transaction.atomic():
            user = super().save(commit)
            log_out_everywhere(user=user)
            send_password_changed_email(user, timezone.now())
        return user


@admin.register(User)
class UserAdmin(UserAdminBase):
    list_display = ["email", "name", "is_email_verified", "is_active", "is_staff", "date_joined"]
    list_filter = [
        ("email_verified_at", admin.EmptyFieldListFilter),
        "is_active",
        "is_staff",
        "is_superuser",
        "date_joined",
    ]
    search_fields = ["email", "name"]
    search_help_text = "Search by email address or name"
    ordering = ["-date_joined"]
    date_hierarchy = "date_joined"
    actions = ["send_reset_link", "verify_address"]
    change_password_form = PasswordForm
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "name", "language", "password"]}),
        ("Status", {"fields": ["email_verified_at", "is_active", "last_login", "date_joined"]}),
        (
            "Permissions",
            {"fields": ["is_staff", "is_superuser", "groups", "user_permissions"], "classes": ["collapse"]},
        ),
    ]
    add_fieldsets = [
        (
            None,
            {
                "fields": ["email", "name", "usable_password", "password1", "password2"],
                "description": "The user gets the welcome email, with a link to confirm their email address.",
            },
        ),
    ]

    class Media:
        css = {"all": ["emails/message.css", "accounts/timeline.css"]}

    @admin.display(boolean=True, description="verified", ordering="email_verified_at")
    def is_email_verified(self, user: User) -> bool:
        return user.is_email_verified

    # One user

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        user = self.get_object(request, object_id)
        shown = self.describe(request, user) if user and self.has_view_permission(request, user) else {}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def describe(self, request: HttpRequest, user: User) -> dict[str, Any]:
        may_operate = self.has_change_permission(request, user)
        return {
            "timeline": timeline(user),
            "is_suppressed": is_suppressed(user.email),
            "operations": OPERATIONS if may_operate else {},
        }

    def get_urls(self) -> list[URLPattern]:
        operate = self.admin_site.admin_view(self.operation_view)
        return [path("<int:pk>/operate/<str:name>/", operate, name="accounts_user_operate"), *super().get_urls()]

    @method_decorator(require_POST)
    def operation_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        user = get_object_or_404(User, pk=pk)
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        if name not in OPERATIONS:
            raise Http404("There is no such operation.")
        self.operate(request, user, name)
        return redirect("admin:accounts_user_change", pk)

    # Many users

    @admin.action(description="Send reset link", permissions=["change"])
    def send_reset_link(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            self.operate(request, user, "send_reset_link")

    @admin.action(description="Verify email address", permissions=["change"])
    def verify_address(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            self.operate(request, user, "verify_address")

    def operate(self, request: HttpRequest, user: User, name: str) -> None:
        """Says what was done, or why not; what was done is noted in the admin's log."""
        operation = OPERATIONS[name]
        try:
            with transaction.atomic():
                operation.perform(user)
                self.log_change(request, user, operation.done)
        except OperationRefused as refusal:
            messages.error(request, f"{user}: {refusal}")
        else:
            messages.success(request, f"{user}: {operation.done}")

    # Deletion: as the person could do it, and held up by the same guards

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, list[Any]]:
        deleted, counts, missing, protected = super().get_deleted_objects(objs, request)
        refusals = [f"{user}: {refusal}" for user in objs if (refusal := refusal_to_delete(user))]
        return deleted, counts, missing, [*protected, *refusals]

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase(obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            erase(user)
