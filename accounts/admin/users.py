"""Users: a page for each with a timeline and actions, and deletion that erases personal data."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm as DjangoAdminPasswordChangeForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.actions import ACTIONS
from accounts.admin.timeline import timeline
from accounts.mail import send_password_changed_email
from accounts.models import User
from accounts.services.deletion import erase, refusal_to_delete
from accounts.services.devices import log_out_everywhere
from common.admin import RowActionsAdmin
from emails.tracking.suppressions import is_suppressed

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    UserAdminBase = DjangoUserAdmin[User]
    AdminPasswordChangeForm = DjangoAdminPasswordChangeForm[User]
else:
    UserAdminBase = DjangoUserAdmin
    AdminPasswordChangeForm = DjangoAdminPasswordChangeForm


class PasswordForm(AdminPasswordChangeForm):
    """A form that, like the site's own, logs the user out everywhere and sends the password_changed email."""

    def save(self, commit: bool = True) -> User:
        user = super().save(commit=False)  # hashes the password, so before the transaction
        # If the logout failed after the change, anyone with the old password would stay logged in.
        with transaction.atomic():
            user.save()
            log_out_everywhere(user=user)
            send_password_changed_email(user, timezone.now())
        return user


@admin.register(User)
class UserAdmin(RowActionsAdmin, UserAdminBase):
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
    row_actions = ACTIONS
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
                # Without a usable password, the user sets the first one with a reset link.
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

    def page_context(self, request: HttpRequest, row: User) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            "timeline": timeline(row),
            "is_suppressed": is_suppressed(row.email),
        }

    def report(self, request: HttpRequest, level: int, row: User, sentence: str) -> None:
        # List actions report on each user, so the message has to name the user.
        super().report(request, level, row, f"{row}: {sentence}")

    @admin.action(description="Send reset link", permissions=["change"])
    def send_reset_link(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            self.operate_and_report(request, user, "send_reset_link")

    @admin.action(description="Verify email address", permissions=["change"])
    def verify_address(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            self.operate_and_report(request, user, "verify_address")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, list[Any]]:
        # What refuses users' own deletion, such as a paid subscription, refuses deletion by staff as well.
        deleted, counts, missing, protected = super().get_deleted_objects(objs, request)
        refusals = [f"{user}: {refusal}" for user in objs if (refusal := refusal_to_delete(user))]
        return deleted, counts, missing, [*protected, *refusals]

    # Django's own methods delete the rows only. They would leave emails and contacts behind.
    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase(obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            erase(user)
