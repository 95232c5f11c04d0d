"""Filters for the list of messages. Django's own would scan the whole table to find their choices."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from emails import samples
from emails.models import OutboundEmail, ProviderState
from emails.models.list_indexes import newest_with

COLUMNS = ("status", "reason", "kind", "provider", "outcome", "type", "severity")


def with_value(rows: QuerySet[Any], column: str, value: str, request: HttpRequest) -> QuerySet[Any]:
    """Return the rows with this value. If it is the only filter, they come from its index, in the order of time.

    With several filters, the database's statistics decide which one it begins with.
    """
    is_only_filter = sum(name.partition("__")[0] in COLUMNS for name in request.GET) == 1
    found = newest_with(rows, column, value)
    return found if is_only_filter else found.order_by(*rows.query.order_by)


class ColumnFilter(admin.SimpleListFilter):
    """A filter on the column that ``parameter_name`` names."""

    parameter_name: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundEmail]) -> QuerySet[OutboundEmail]:
        value = self.value()
        return queryset if value is None else with_value(queryset, self.parameter_name, value, request)


class ChoiceFilter(admin.ChoicesFieldListFilter):
    """A filter on a column with fixed choices."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundEmail]) -> QuerySet[OutboundEmail]:
        values = request.GET.getlist(self.lookup_kwarg)
        if len(values) != 1 or len(self.used_parameters) != 1:
            found = super().queryset(request, queryset)
            return queryset if found is None else found
        return with_value(queryset, str(self.field_path), values[0], request)


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
