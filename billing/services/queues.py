"""Work on the rows that a deadline makes due, each in a transaction of its own."""

import logging
from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from billing.services.customers import AddressUnknown, NotOurs, PersonErased
from common.db import index_walks

logger = logging.getLogger(__name__)

BATCH_SIZE = 200


def for_each(rows: QuerySet[Any], column: str, work: Callable[[str], bool]) -> int:
    """Call ``work`` with the key of each row, and return how often it was true.

    There must be an index on the column and the key. A row that fails is due again in the next round.
    """
    done, rest = 0, rows
    while True:
        with index_walks():
            found = list(rest.order_by(column, "pk").values_list("pk", column)[:BATCH_SIZE])
        done += sum(attempt(work, key) for key, _ in found)
        if len(found) < BATCH_SIZE:
            return done
        key, value = found[-1]
        is_after = Q(**{f"{column}__gt": value}) | Q(**{column: value, "pk__gt": key})
        rest = rows.filter(is_after, **{f"{column}__gte": value})


def attempt(work: Callable[[str], bool], key: str) -> bool:
    try:
        return work(key)
    except (NotOurs, AddressUnknown, PersonErased) as error:
        logger.info("No reminder about %s: %s", key, error)
    # A row that always fails, such as one with a template that does, must not keep the others from being processed.
    except Exception:
        logger.exception("The reminder about %s failed. It will be retried.", key)
    return False
