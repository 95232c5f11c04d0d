"""Indexes for the filters of the admin's lists, which no other query can use.

Delivery changes rows by key and status. With an ordinary index on the status, a database without statistics, or with
old ones, would sometimes look for all rows of the status instead of the key. So these indexes contain an expression
that only the lists' own queries contain.
"""

from typing import Any

from django.db.models import BooleanField, CharField, Func, Index, Q, QuerySet


class Listed(Func):
    """The value of a text column, as an expression."""

    template = "(%(expressions)s || '')"
    output_field = CharField()


class IsFilled(Func):
    """Whether a text column isn't empty. No parameter, so that the database recognizes an index's condition."""

    template = "(%(expressions)s <> '')"
    output_field = BooleanField()


def list_index(column: str, time: str, *, name: str, is_mostly_empty: bool = False) -> Index:
    """Return an index that finds the newest rows with a value in the column. May leave out rows without a value."""
    condition = Q(IsFilled(column)) if is_mostly_empty else None
    return Index(Listed(column), time, name=name, condition=condition)


def newest_with(rows: QuerySet[Any], column: str, value: str) -> QuerySet[Any]:
    """Return the rows with this value, sorted by the column, so that a second column can sort them by time.

    The condition is a range, because PostgreSQL ignores the order of a column that equals one value. It could then walk
    along the time instead, through the whole table if the value is rarer than its statistics say.
    """
    if value:
        rows = rows.filter(IsFilled(column))
    found: QuerySet[Any] = rows.alias(listed=Listed(column)).filter(listed__range=(value, value))
    return found.order_by("listed")
