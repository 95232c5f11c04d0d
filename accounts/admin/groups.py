"""Groups. Only superusers change them, because staff could otherwise add permissions to a group of their own."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from knox.models import AuthToken

from common.admin import StrictAdmin

# Packages register these two. With knox's admin, staff could create an API token for any user.
admin.site.unregister([Group, AuthToken])


@admin.register(Group)
class GroupAdmin(StrictAdmin, DjangoGroupAdmin):
    search_help_text = "Search by name."
    empty_text = "Here you see groups of staff with the same permissions. Nobody has made one yet."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser
