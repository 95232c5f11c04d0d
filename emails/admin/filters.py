"""Filters for the list of messages. Django's own would scan the whole table to find their choices."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from emails import samples
from emails.models import OutboundEmail, ProviderState

COLUMNS = ("status", "reason", "kind", "provider")  # each has an index together with created_at


def walk(rows: QuerySet[OutboundEmail], column: str, value: Any, request: HttpRequest) -> QuerySet[OutboundEmail]:
    """Return the rows with this value. If it is the only filter, they are sorted by the column, so first by its index.

    PostgreSQL would otherwise walk along created_at if it takes the value for a common one, and through the whole table
    if all its rows are old. The condition is a range, because PostgreSQL ignores the order of a column that equals one
    value. With several filters, the statistics decide.
    """
    active = [name for name in request.GET if name.partition("__")[0] in COLUMNS]
    if len(active) > 1:
        return rows.filter(**{column: value})
    return rows.filter(**{f"{column}__range": (value, value)}).order_by(column)


class ColumnFilter(admin.SimpleListFilter):
    """A filter on the column that ``parameter_name`` names."""

    parameter_name: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundEmail]) -> QuerySet[OutboundEmail]:
        return queryset if self.value() is None else walk(queryset, self.parameter_name, self.value(), request)


class ChoiceFilter(admin.ChoicesFieldListFilter):
    """A filter on a column with fixed choices."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboundEmail]) -> QuerySet[OutboundEmail]:
        values = request.GET.getlist(self.lookup_kwarg)
        if len(values) != 1 or len(self.used_parameters) != 1:
            found = super().queryset(request, queryset)
            return queryset if found is None else found
        return walk(queryset, str(self.field_path), values[0], request)


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
