"""What the admins of mail share: rows are written by the machinery and removed by retention, not by hand."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
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
