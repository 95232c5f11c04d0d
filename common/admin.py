"""The admin toolkit: read-only admins, buttons for actions on a row, and the admin's own log."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.timezone import localtime
from django.views.decorators.http import require_POST

from common.actions import Action, ActionRefused

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

LOG_LIMIT = 200  # entries per row


class OperableAdmin(ModelAdmin):
    """An admin whose actions require the permission "operate", as in ``permissions=["operate"]``."""

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether the person has the model's change permission. ReadOnlyAdmin refuses it for the form itself."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")


class ReadOnlyAdmin(OperableAdmin):
    """An admin for rows that only the application writes and only retention deletes."""

    # These tables grow large, and PostgreSQL counts rows by scanning them. Lists show the number of matches only.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RowActionsAdmin(OperableAdmin):
    """An admin that offers ``row_actions`` as buttons on a row's page.

    The change form's template renders ``actions`` as forms that POST to ``<pk>/operate/<name>/``.
    """

    # Django uses the name ``actions`` for the actions on a list of rows.
    row_actions: Mapping[str, Action[Any]]

    def offered_actions(self, row: Any) -> Mapping[str, Action[Any]]:
        """Return the actions that make sense for this row, by name."""
        return self.row_actions

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the change form's template needs besides Django's own context."""
        return {"actions": self.offered_actions(row) if self.has_operate_permission(request) else {}}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Django's admin escapes primary keys in its URLs in a way of its own.
        row = self.get_object(request, unquote(object_id))
        context = self.page_context(request, row) if row and self.has_view_permission(request, row) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.operate_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_operate"
        # Django's own URLs end with a catch-all pattern, so this one has to come first.
        return [path("<str:pk>/operate/<str:name>/", view, name=name), *super().get_urls()]

    @method_decorator(require_POST)
    def operate_view(self, request: HttpRequest, pk: str, name: str) -> HttpResponse:
        """Perform one action and redirect to the page of the row to show next."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(pk))
        if row is None or name not in self.row_actions:
            raise Http404("This row or this action does not exist.")
        row = self.operate_and_report(request, row, name)
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", quote(row.pk))

    def operate_and_report(self, request: HttpRequest, row: Any, name: str) -> Any:
        """Perform one action and show its result, or why it was refused. Returns the row to show next."""
        try:
            next_row = self.operate(request, row, name)
        except ActionRefused as refusal:
            self.report(request, messages.ERROR, row, str(refusal))
            return row
        self.report(request, messages.SUCCESS, row, self.row_actions[name].done)
        return next_row

    @transaction.atomic
    def operate(self, request: HttpRequest, row: Any, name: str) -> Any:
        """Perform one action and log it in the same transaction. Returns the row to show next."""
        action = self.row_actions[name]
        next_row = action.perform(row) or row
        self.log_change(request, row, action.done)
        return next_row

    def report(self, request: HttpRequest, level: int, row: Any, sentence: str) -> None:
        messages.add_message(request, level, sentence)


class LoggedChange(NamedTuple):
    """One entry of the admin's log: when it happened, and who did what in one line."""

    at: datetime
    text: str


def admin_log_entries(row: Model) -> list[LoggedChange]:
    """Return what staff did to the row in the admin, newest first, at most 200 entries."""
    entries = LogEntry.objects.filter(content_type=get_content_type_for_model(row), object_id=str(row.pk))
    return [
        LoggedChange(entry.action_time, f"{entry.user}: {entry.get_change_message()}")
        for entry in entries.select_related("user")[:LOG_LIMIT]
    ]


def to_the_second(at: datetime) -> str:
    """Return a time in the current time zone, such as 2026-01-31 08:00:00. Django's own format omits the seconds."""
    return f"{localtime(at):%Y-%m-%d %H:%M:%S}"


def change_url(row: Model) -> str:
    """Return the path of the row's page in the admin, or an empty string if the row has none."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)])
    except NoReverseMatch:
        return ""
