"""What the admins of mail share: rows are written by the machinery and removed by retention, not by hand."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.timezone import localtime

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Shows; adds, changes and deletes nothing."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the person may use the actions: the permission that would otherwise allow editing."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")


def to_the_second(at: datetime) -> str:
    return f"{localtime(at):%Y-%m-%d %H:%M:%S}"


def change_url(row: Model) -> str:
    """Return the path of the row's page in the admin, or an empty string if the row has none."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)])
    except NoReverseMatch:
        return ""
