"""Lists of large tables in the admin: none of them counts, sorts, or searches all rows.

Django's own list counts every match, and its search compares a part of the text with every row. With a million rows,
each takes seconds.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.utils.text import smart_split, unescape_string_literal

MAX_LISTED = 1_000  # matches that a list shows, at most
SEARCHED_FOR_PARTS = 10_000  # of the newest rows


class Count(int):
    """The number of listed rows, which is written with a plus sign if there are more."""

    def __str__(self) -> str:
        return f"{MAX_LISTED:,}+" if self > MAX_LISTED else super().__str__()


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic in django-stubs, not in Django
    """Counts no further than one row more than it shows."""

    @cached_property
    def count(self) -> int:
        # In the list's order: the database then walks along the index that the page itself needs.
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # the admin passes nothing else
        return Count(rows[: MAX_LISTED + 1].count())

    @cached_property
    def num_pages(self) -> int:
        return max(1, -(-min(self.count, MAX_LISTED) // self.per_page))


def first_keys(rows: QuerySet[Any]) -> list[Any]:
    """Return the primary keys of the first rows, as many as a list shows."""
    return list(rows.values_list("pk", flat=True)[:MAX_LISTED])


def newest(rows: QuerySet[Any], column: str) -> QuerySet[Any]:
    """Return the ``rows`` that are among the newest 10,000 of the table, by an indexed column."""
    times = rows.model._default_manager.order_by(f"-{column}").values_list(column, flat=True)
    oldest = times[SEARCHED_FOR_PARTS - 1 : SEARCHED_FOR_PARTS].first()
    return rows if oldest is None else rows.filter(**{f"{column}__gte": oldest})


def words_of(text: str) -> list[str]:
    """Return the words of a search. A phrase in quotes is one word."""
    return [unescape_string_literal(word) if is_quoted(word) else word for word in smart_split(text)]


def is_quoted(word: str) -> bool:
    return len(word) > 1 and word[0] in "\"'" and word[0] == word[-1]


def containing(rows: QuerySet[Any], columns: Sequence[str], word: str) -> QuerySet[Any]:
    """Return the rows with the word in one of the text columns, in any case."""
    # One comparison of all columns together takes half as long as one of each.
    texts = Concat(*chain.from_iterable((F(column), Value("\n")) for column in columns), output_field=TextField())
    found: QuerySet[Any] = rows.alias(texts=texts).filter(texts__icontains=word)
    return found


def as_uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
