"""Users: a page for each with a timeline and actions, and deletion that erases personal data.

Staff with permissions can't gain more here. Only superusers change what someone may do, and only they change accounts
that may do more than others (``User.is_privileged``).
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from accounts import services
from accounts.admin import states
from accounts.admin.actions import ACTIONS
from accounts.admin.forms import AddForm, ChangeForm
from accounts.admin.limits import refusal
from accounts.admin.passwords import PasswordForm, limit_passwords
from accounts.admin.person_pages import PersonPages, may_change
from accounts.errors import AccountsError
from accounts.models import User
from accounts.services.deletion import erase, refusal_to_delete
from common.actions import Action, ActionRefused
from common.admin import IndexedSearch
from common.filters import filled, yes_or_no
from common.lists import first_keys

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    UserAdminBase = DjangoUserAdmin[User]
else:
    UserAdminBase = DjangoUserAdmin

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
EMAILING_ACTIONS = {"send_reset_link": "password_reset"}  # the scope of the limits that each counts in


@admin.register(User)
class UserAdmin(PersonPages, IndexedSearch, UserAdminBase):
    list_display = ["email", "name", "state", "role", "date_joined"]
    list_filter = [
        ("email_verified_at", filled("email address", yes="Verified", no="Not verified yet")),
        ("is_active", yes_or_no("account", yes="Active", no="Inactive")),
        ("is_staff", yes_or_no("role", yes="Staff", no="Customer")),
        ("is_superuser", yes_or_no("rights", yes="Superuser", no="Others")),
        "date_joined",
    ]
    search_fields = ["email", "name"]
    search_help_text = "Search by email address or name. Parts of them are found among the newest 10,000 people."
    empty_text = "Here you see everyone with an account. Nobody has signed up yet."
    ordering = ["-date_joined"]
    newest_by = "date_joined"
    row_actions = ACTIONS
    actions = ["send_reset_link", "verify_address"]
    form = ChangeForm
    add_form = AddForm
    change_password_form = PasswordForm
    readonly_fields = ["email_verified_at", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "name", "language", "password"]}),
        ("Status", {"fields": ["email_verified_at", "is_active", "last_login", "date_joined"]}),
        ("Permissions", {"fields": RIGHTS, "classes": ["collapse"]}),
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
        css = {"all": ["emails/message.css", "accounts/person.css"]}

    @admin.display(description="account", ordering="email_verified_at")
    def state(self, user: User) -> SafeString:
        return states.account_state(user).badge

    @admin.display(description="role", ordering="is_staff", empty_value="")
    def role(self, user: User) -> str:
        return states.role(user)

    def found_by_index(self, queryset: QuerySet[User], word: str) -> list[Any]:
        return first_keys(queryset.filter(email=word)) if "@" in word else []

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and may_change(request, obj)

    def has_operate_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_operate_permission(request, obj) and may_change(request, obj)

    def offered_actions(self, row: User) -> dict[str, Action[User]]:
        is_done = row.is_email_verified
        return {name: action for name, action in ACTIONS.items() if not (is_done and name == "verify_address")}

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = [*super().get_readonly_fields(request, obj)]
        if not request.user.is_superuser:
            fields += RIGHTS
        if obj == request.user:
            fields.append("email")  # the settings page changes one's own, because it asks for the password
        return fields

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.request = request  # type: ignore[attr-defined]  # Django makes a new class for each request
        return form

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except AccountsError as error:  # another request took the address after the form had checked it
            messages.error(request, str(error))
            return redirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        # Only the fields that were changed: the others may have changed in the meantime, such as the password.
        columns = {field.name for field in self.opts.concrete_fields}
        obj.save(update_fields=[name for name in form.changed_data if name in columns and name != "email"])
        stored = User.objects.get(pk=obj.pk)
        if stored.email != obj.email:
            services.change_email_for(user=stored, email=obj.email)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002  # Django's name
        form_url: str = "",
    ) -> Any:
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("admin:password_change")  # which asks for the old password
        return limit_passwords(super().user_change_password)(request, id, form_url)

    def operate(self, request: HttpRequest, row: User, name: str) -> Any:
        if (scope := EMAILING_ACTIONS.get(name)) and (sentence := refusal(request, scope, row.email)):
            raise ActionRefused(sentence)
        return super().operate(request, row, name)

    def report(self, request: HttpRequest, level: int, row: User, sentence: str) -> None:
        # List actions report on each user, so the message has to name the user.
        super().report(request, level, row, f"{row}: {sentence}")

    @admin.action(description="Send reset link", permissions=["operate"])
    def send_reset_link(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self.operate_on_all(request, users, "send_reset_link")

    @admin.action(description="Verify email address", permissions=["operate"])
    def verify_address(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self.operate_on_all(request, users, "verify_address")

    def operate_on_all(self, request: HttpRequest, users: QuerySet[User], name: str) -> None:
        if not all(may_change(request, user) for user in users):
            raise PermissionDenied
        for user in users:
            self.operate_and_report(request, user, name)

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
