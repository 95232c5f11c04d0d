"""Filters for the list of messages. Django's own would scan the whole table to find their choices."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from emails import samples
from emails.models import OutboundEmail, ProviderState


class ColumnFilter(admin.SimpleListFilter):
    """A filter on the column that ``parameter_name`` names."""

    parameter_name: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundEmail]) -> QuerySet[OutboundEmail]:
        return queryset if self.value() is None else queryset.filter(**{self.parameter_name: self.value()})


class KindFilter(ColumnFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        # Messages from send_mail() and third-party apps have no kind.
        return [*((kind, kind) for kind in samples.folders()), ("", _("other email"))]


class ProviderFilter(ColumnFilter):
    title = _("provider")
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        # Every provider that was ever used has a row here.
        names = ProviderState.objects.order_by("pk").values_list("pk", flat=True)
        return [*((name, name) for name in names), ("", _("none yet"))]
