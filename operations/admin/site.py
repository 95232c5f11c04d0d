"""The admin site with the operator's home page, one search, and the pages in groups that say what they are about.

OperationsConfig's neighbor AdminConfig makes it the default site, which every app registers its models with.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe

from accounts.admin import site
from emails.models import OutboundEmail
from operations.home.links import list_url
from operations.home.page import home_page
from operations.home.search.results import search
from operations.home.viewer import Viewer

# The name of each group, and the app whose page it leads to. Apps that aren't named are settings.
GROUPS = {"People": "accounts", "Email": "emails", "Money": "billing", "Settings": ""}
# What people look for first comes first. The others follow by name.
ORDER = (
    "OutboundEmail",
    "Suppression",
    "DeliveryEvent",
    "ProviderState",
    "DeliveryAttempt",
    "Customer",
    "Subscription",
    "Payment",
    "Dispute",
    "EarlyFraudWarning",
    "StripeEvent",
)


class AdminSite(site.AdminSite):
    def get_urls(self) -> list[URLPattern | URLResolver]:
        # Django's own URLs end with a catch-all pattern.
        return [path("search/", self.admin_view(require_safe(self.search_view)), name="search"), *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "site_header": settings.BRAND_NAME, "site_title": settings.BRAND_NAME}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**home_page(self.viewer(request)), "title": "Home", **(extra_context or {})})

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the only row that the text names, or list what may be meant."""
        viewer = self.viewer(request)
        results = search(request.GET.get("q", ""), viewer)
        if results.only_url:
            return redirect(results.only_url)
        request.current_app = self.name  # the admin's templates read it
        context = {**self.each_context(request), "title": "Search", "results": results}
        if viewer.may_view(OutboundEmail):
            context["messages_url"] = list_url(OutboundEmail, q=results.terms.text)
        return TemplateResponse(request, "admin/operations/home_search.html", context)

    def viewer(self, request: HttpRequest) -> Viewer:
        def may_view(model: type[Model]) -> bool:
            return model in self._registry and self._registry[model].has_view_permission(request)

        def may_operate(model: type[Model]) -> bool:
            return may_view(model) and bool(self._registry[model].has_operate_permission(request))  # type: ignore[attr-defined]

        return Viewer(may_view, may_operate)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the pages in groups. With ``app_label``, return this app alone, as Django's own method does."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        groups: dict[str, list[Any]] = {name: [] for name in GROUPS}
        names = {label: name for name, label in GROUPS.items()}
        for app in apps:
            groups[names.get(app["app_label"], names[""])] += [app]
        return [group(name, members) for name, members in groups.items() if members]


def group(name: str, apps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return several of Django's apps as one."""
    models = [model for app in apps for model in app["models"]]
    return {**apps[0], "name": name, "models": sorted(models, key=lambda model: place(model["object_name"]))}


def place(object_name: str) -> int:
    return ORDER.index(object_name) if object_name in ORDER else len(ORDER)
