"""The admin toolkit: strict lists, read-only admins, buttons for actions on a row, and the admin's own log."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IncorrectLookupParameters, get_content_type_for_model
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views import main
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from common.actions import Action, ActionRefused
from common.db import no_table_scans
from common.links import change_url as change_url
from common.lists import BoundedPaginator, containing, first_keys, newest, words_of
from common.summaries import Summary

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    from django_stubs_ext import StrOrPromise

    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

LOG_LIMIT = 200  # entries per row
SEARCH_WORDS = 20  # each word adds a condition per column, and SQLite refuses an expression with 1,000
FILTER_LOOKUPS = frozenset({"exact", "isnull", "isempty", "gte", "lt"})  # those in the links of Django's filters
EMPTY: tuple[Any, ...] = (None, "", [], {})
DATE_LOOKUPS = frozenset({"year", "month", "day"})  # those in the links of a date hierarchy


class ChangeList(main.ChangeList):
    """A list that ignores dates outside the calendar, and sorts by no other columns than its own links do.

    Django's own raises an exception in the year 9999.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not self.is_popup:
            self.title = str(capfirst(self.opts.verbose_name_plural))

    @property
    def is_narrowed(self) -> bool:
        """Whether a search or a filter may be the reason for an empty list."""
        return bool(self.query or self.has_active_filters)

    def get_filters(self, request: HttpRequest) -> Any:
        try:
            return super().get_filters(request)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters from error

    def get_results(self, request: HttpRequest) -> None:
        # A value may be rarer than the statistics say. For a page that holds all matches, Django sets no limit.
        with no_table_scans():
            super().get_results(request)
            len(self.result_list)  # reads the rows

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Return the list's order, after the columns that a filter has already sorted by, in the same direction."""
        if queryset.query.order_by == self.root_queryset.query.order_by:
            return super().get_ordering(request, queryset)
        order = super().get_ordering(request, queryset.order_by())
        sign = "-" if str(order[0]).startswith("-") else ""
        return [*(f"{sign}{column}" for column in queryset.query.order_by), *order]


class StrictAdmin(ModelAdmin):
    """An admin whose list takes only what its own links and forms contain.

    Django's own list accepts a lookup in any column. ``?content__contains=…`` would reveal a live link letter by
    letter to staff who may not read it.

    A row's page begins with its ``summary()``.
    """

    empty_text: "StrOrPromise" = _("Nothing here yet.")  # what will appear in the list

    def summary(self, request: HttpRequest, row: Any) -> Summary | None:
        """Return what the row's page begins with. Only for rows that the person may view."""
        return None

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the change form's template needs besides Django's own context."""
        return {"summary": self.summary(request, row), "title": capfirst(self.opts.verbose_name)}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Django's admin escapes primary keys in its URLs in a way of its own.
        row = self.get_object(request, unquote(object_id))
        context = self.page_context(request, row) if row and self.has_view_permission(request, row) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        filters = [getattr(name, "parameter_name", name) for name in map(column_of, self.list_filter)]
        column, _, name = lookup.rpartition("__")
        return (
            lookup in filters
            or (column in filters and name in FILTER_LOOKUPS)
            or (bool(column) and column == self.date_hierarchy and name in DATE_LOOKUPS | FILTER_LOOKUPS)
        )

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[main.ChangeList]:
        return ChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if len(search_term.split()) > SEARCH_WORDS:
            raise IncorrectLookupParameters
        return super().get_search_results(request, queryset, search_term)

    def response_action(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        *args: Any,  # Django 6.1 passes one
        **options: Any,
    ) -> HttpResponse | None:
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.run_validators(self.opts.pk.to_python(key))  # the validators know the range of an integer
        except ValidationError:
            raise BadRequest("A selected row can't exist.") from None
        return super().response_action(request, queryset, *args, **options)


def column_of(list_filter: Any) -> Any:
    """Return the column or the filter class. Entries of ``list_filter`` may be pairs of both."""
    return list_filter[0] if isinstance(list_filter, tuple) else list_filter


class OperableAdmin(StrictAdmin):
    """An admin whose actions require the permission "operate", as in ``permissions=["operate"]``."""

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the person has the model's change permission. ReadOnlyAdmin refuses it for the form itself."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")


class ReadOnlyAdmin(OperableAdmin):
    """An admin for rows that only the application writes and only retention deletes.

    These tables grow large, so lists show only the first 1,000 matches, and count no further (common/lists.py).
    """

    paginator = BoundedPaginator
    list_per_page = 50  # rendering a row takes longer than finding it
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count the rows of every choice
    shown_with: Mapping[str, str] = {}  # fields that methods show, and the attribute of the row that each one shows

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **options: Any
    ) -> HttpResponse | None:
        if request.POST.get("select_across") == "1":  # "Select all" means all that the list shows
            queryset = queryset.filter(pk__in=first_keys(queryset))
        return super().response_action(request, queryset, *args, **options)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets without the fields that are empty in this row."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        columns = {field.name for field in self.opts.concrete_fields} - obj.get_deferred_fields()
        shown = {**{name: name for name in columns}, **self.shown_with}
        empty = {name for name, value in shown.items() if getattr(obj, value) in EMPTY}
        filled = [(title, [name for name in part["fields"] if name not in empty], part) for title, part in fieldsets]
        return [(title, {**part, "fields": names}) for title, names, part in filled if names]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class IndexedSearch(StrictAdmin):
    """An admin whose search finds certain whole values by index, and parts of ``search_fields`` among the newest rows.

    If an index finds one of the words, the other words narrow down what it found, however old the rows are.
    """

    newest_by = "created_at"  # an indexed column

    def found_by_index(self, queryset: QuerySet[Any], word: str) -> list[Any]:
        """Return the primary keys of the rows that a whole value identifies, such as an ID."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = words_of(search_term)
        if len(words) > SEARCH_WORDS:
            raise IncorrectLookupParameters
        if not words:
            return queryset, False
        for word in words:
            if keys := self.found_by_index(queryset.order_by(f"-{self.newest_by}"), word):
                rows = queryset.filter(pk__in=keys)
                words.remove(word)
                break
        else:
            rows = newest(queryset, self.newest_by)
        for word in words:
            rows = containing(rows, self.search_fields, word)
        # Searched once: the list reads its rows three times.
        return queryset.filter(pk__in=first_keys(rows)), False


class IndexedSearchAdmin(IndexedSearch, ReadOnlyAdmin):
    """The same for rows that only the application writes."""


class Button(NamedTuple):
    """A form of a row's page that sends nothing but the request itself."""

    url: str
    label: str


class RowActionsAdmin(OperableAdmin):
    """An admin that offers ``row_actions`` as buttons on a row's page.

    The template of the summary renders them as forms that POST to ``<pk>/operate/<name>/``.
    """

    # Django uses the name ``actions`` for the actions on a list of rows.
    row_actions: Mapping[str, Action[Any]]

    def offered_actions(self, row: Any) -> Mapping[str, Action[Any]]:
        """Return the actions that make sense for this row, by name."""
        return self.row_actions

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        actions = self.offered_actions(row) if self.has_operate_permission(request, row) else {}
        pk = quote(row.pk)
        buttons = [
            Button(reverse(self.operate_route, args=[pk, name]), action.label) for name, action in actions.items()
        ]
        return {**super().page_context(request, row), "actions": actions, "buttons": buttons}

    @property
    def operate_route(self) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_operate"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.operate_view)
        name = self.operate_route.partition(":")[2]
        # Django's own URLs end with a catch-all pattern, so this one has to come first.
        return [path("<str:pk>/operate/<str:name>/", view, name=name), *super().get_urls()]

    @method_decorator(require_POST)
    def operate_view(self, request: HttpRequest, pk: str, name: str) -> HttpResponse:
        """Perform one action and redirect to the page of the row to show next."""
        row = self.get_object(request, unquote(pk))
        if not self.has_operate_permission(request, row):
            raise PermissionDenied
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
    """Return a time such as 2026-01-31 08:00:00 UTC, as everywhere in the admin (settings/formats)."""
    return f"{localtime(at):%Y-%m-%d %H:%M:%S %Z}"


def preformatted(value: Any) -> SafeString:
    """Return a text, or JSON in readable lines, as HTML."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return format_html('<pre class="operator-raw">{}</pre>', text)
