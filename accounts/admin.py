"""Users in the admin."""

from math import ceil
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.throttling import first_full, login_windows

if TYPE_CHECKING:
    UserAdminBase = DjangoUserAdmin[User]
else:
    UserAdminBase = DjangoUserAdmin


class LoginForm(AdminAuthenticationForm):
    """Django's, with the limits of every other login."""

    def clean(self) -> dict[str, Any]:
        windows = login_windows(self.request, str(self.cleaned_data.get("username", ""))) if self.request else []
        if full := first_full(windows):
            minutes = ceil(full.wait() / 60)
            raise ValidationError(f"Too many tries to log in. Wait {minutes} minutes, or choose a new password.")
        return super().clean()


admin.site.login_form = LoginForm


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
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "name", "language", "password"]}),
        ("State", {"fields": ["email_verified_at", "is_active", "last_login", "date_joined"]}),
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
                "description": "The person gets the welcome mail, with a link that confirms the address.",
            },
        ),
    ]

    @admin.display(boolean=True, description="verified", ordering="email_verified_at")
    def is_email_verified(self, user: User) -> bool:
        return user.is_email_verified
