"""Changes to many old rows in small transactions, which leave the database to others half of the time."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Q, QuerySet

from common.db import index_walks

BATCH_SIZE = 500  # rows per transaction
LONGEST_REST = 1.0  # seconds


def in_batches(rows: QuerySet[Any], column: str, change: Callable[[QuerySet[Any]], object]) -> int:
    """Apply ``change`` to the rows, in the order of an indexed column, and return their number.

    Each batch is a transaction of its own. ``change`` must delete its rows, or change them so that they no longer
    belong to ``rows``. Any number of processes may do the same at the same time.
    """
    total, rest = 0, rows.order_by(column)
    while True:
        started = time.monotonic()
        with index_walks():
            found = list(rest.values_list("pk", column)[:BATCH_SIZE])
            if not found:
                return total
            change(rows.model._default_manager.filter(pk__in=[key for key, _ in found]))
        total += len(found)
        # Without this condition, each batch would first pass the entries that earlier batches left in the index.
        rest = rows.filter(**{f"{column}__gte": found[-1][1]}).order_by(column)
        time.sleep(min(time.monotonic() - started, LONGEST_REST))


def delete_in_batches(rows: QuerySet[Any], column: str) -> int:
    """Delete the rows, with everything that refers to them, and return their number."""
    # Only the key, because Django loads the rows in order to find what refers to them.
    return in_batches(rows, column, lambda batch: batch.only("pk").order_by().delete())


def keys_in_batches(rows: QuerySet[Any], column: str, size: int = BATCH_SIZE) -> Iterator[list[Any]]:
    """Yield the primary keys of the rows, in the order of an indexed column. The rows may stay as they are."""
    rest = rows.order_by(column, "pk")
    while True:
        with index_walks():
            found = list(rest.values_list("pk", column)[:size])
        if not found:
            return
        yield [key for key, _ in found]
        key, value = found[-1]
        later = Q(**{f"{column}__gt": value}) | Q(**{column: value, "pk__gt": key})
        rest = rows.filter(later, **{f"{column}__gte": value}).order_by(column, "pk")
