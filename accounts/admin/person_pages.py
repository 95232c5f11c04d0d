"""The pages of one person in the admin: the timeline, the devices, and the emails that staff write."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from accounts.admin import devices, person, staff_emails
from accounts.admin.timeline import timeline_page
from accounts.models import User
from common.admin import RowActionsAdmin


class PersonPages(RowActionsAdmin):
    """An admin of users whose change form begins with the person, and that has more pages for each of them."""

    def has_email_permission(self, request: HttpRequest, user: User) -> bool:
        """Return whether the member of staff may write an email to this user. It is a permission of its own."""
        return request.user.has_perm("accounts.email_user") and may_change(request, user)

    def page_context(self, request: HttpRequest, row: User) -> dict[str, Any]:
        return {
            **super().page_context(request, row),
            "title": row.name or "Person",
            "badges": person.badges(row),
            "facts": person.facts(row),
            "timeline": timeline_page(request, row),
            "may_email": self.has_email_permission(request, row),
        }

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "devices": ("<str:pk>/devices/", self.devices_view),
            "email": ("<str:pk>/email/", self.email_view),
            "email_preview": ("<str:pk>/email/<uuid:token>/", self.email_preview_view),
            "email_html": ("<str:pk>/email/<uuid:token>/html/", self.email_html_view),
        }
        site = self.admin_site
        # Django's own URLs end with a catch-all pattern, so these have to come first.
        own = [
            path(route, site.admin_view(view), name=f"accounts_user_{name}") for name, (route, view) in views.items()
        ]
        return [*own, *super().get_urls()]

    def devices_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        user = self.person(request, pk)
        if not self.has_view_permission(request, user):
            raise PermissionDenied
        return devices.devices_page(self, request, user)

    def email_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        return staff_emails.compose_page(self, request, self.recipient(request, pk))

    def email_preview_view(self, request: HttpRequest, pk: str, token: UUID) -> HttpResponse:
        return staff_emails.preview_page(self, request, self.recipient(request, pk), token)

    def email_html_view(self, request: HttpRequest, pk: str, token: UUID) -> HttpResponse:
        return staff_emails.preview_frame(request, self.recipient(request, pk), token)

    def recipient(self, request: HttpRequest, pk: str) -> User:
        """Return the user. Raises ``PermissionDenied`` unless the member of staff may write to them."""
        user = self.person(request, pk)
        if not (self.has_view_permission(request, user) and self.has_email_permission(request, user)):
            raise PermissionDenied
        return user

    def person(self, request: HttpRequest, pk: str) -> User:
        # Without any permission, nobody learns who exists.
        if not self.has_view_permission(request):
            raise PermissionDenied
        user = self.get_object(request, unquote(pk))
        if not isinstance(user, User):
            raise Http404("This person doesn't exist.")
        return user


def may_change(request: HttpRequest, user: User | None) -> bool:
    """Return whether the person may change this account, given the permission for accounts in general."""
    return user is None or request.user.is_superuser or not user.is_privileged
