"""Filters of the admin's lists whose choices are words that staff use, not the values of a column."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from common.badges import State

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ALL = "All"


def filled(title: "StrOrPromise", *, yes: "StrOrPromise", no: "StrOrPromise") -> type[admin.EmptyFieldListFilter]:
    """Return a filter for rows that have a value in a column, or have none."""

    class FilledFilter(admin.EmptyFieldListFilter):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.title = str(title)

        def choices(self, changelist: Any) -> Iterator[Any]:
            return with_words(super().choices(changelist), ALL, no, yes)  # Django's order

    return FilledFilter


def yes_or_no(title: "StrOrPromise", *, yes: "StrOrPromise", no: "StrOrPromise") -> type[admin.BooleanFieldListFilter]:
    """Return a filter on a boolean column."""

    class WordFilter(admin.BooleanFieldListFilter):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.title = str(title)

        def choices(self, changelist: Any) -> Iterator[Any]:
            return with_words(super().choices(changelist), ALL, yes, no)

    return WordFilter


def with_words(choices: Iterable[Any], *words: "StrOrPromise") -> Iterator[Any]:
    for choice, word in zip(choices, words, strict=False):
        yield {**choice, "display": word}


def choice_filter(
    title: "StrOrPromise",
    words: Mapping[Any, "State | StrOrPromise"],
    base: type[admin.ChoicesFieldListFilter] = admin.ChoicesFieldListFilter,
) -> type[admin.ChoicesFieldListFilter]:
    """Return a filter on a column with declared choices. It offers these values, in these words."""
    texts = {str(value): getattr(word, "label", word) for value, word in words.items()}

    class ChoiceFilter(base):  # type: ignore[misc, valid-type]  # a class that the caller chooses
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.title = str(title)

        def choices(self, changelist: Any) -> Iterator[Any]:
            values = [None, *(value for value, _label in self.field.flatchoices)]  # Django's order
            for value, choice in zip(values, super().choices(changelist), strict=True):
                if value is None or value in texts:
                    yield {**choice, "display": texts.get(value, choice["display"])}

    return ChoiceFilter


def status_filter(title: "StrOrPromise", states: Mapping[str, State], column: str = "status") -> type[admin.ListFilter]:
    """Return a filter on a text column without declared choices, such as one with Stripe's own statuses."""

    class StatusFilter(admin.SimpleListFilter):
        parameter_name = column

        def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
            return [(value, state.label) for value, state in states.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset if self.value() is None else queryset.filter(**{column: self.value()})

    StatusFilter.title = str(title)
    return StatusFilter


class ValuesFilter(admin.AllValuesFieldListFilter):
    """A filter on a short text column of a small table. Its values are Stripe's, such as ``product_not_received``."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": in_words(str(choice["display"]))}


def in_words(value: str) -> str:
    """Return a value of Stripe's as words: "Product not received"."""
    return value.replace("_", " ").capitalize()
