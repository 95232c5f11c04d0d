"""The plans of the queries that a piece of code runs, as the database makes them at that moment."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from django.db import connection

QUEUES = ("outboundemail", "deliveryattempt", "attemptedemail", "contactchange", "providerstate")
# In PostgreSQL's plans and in SQLite's.
BAD_STEPS = re.compile(r"Seq Scan|Bitmap|Sort|Hash Join|Merge Join|SCAN (?!CONSTANT ROW|.*USING)|TEMP B-TREE FOR ORDER")
REPEATED = re.compile(r"%s(, %s|(::uuid)?(,| WHEN| THEN) ?\(?%s(::uuid)?)+")
EXPLAIN = {"postgresql": "EXPLAIN ", "sqlite": "EXPLAIN QUERY PLAN "}


class Plan(NamedTuple):
    query: str
    steps: str

    def __str__(self) -> str:
        return f"{self.query}\n{self.steps}\n"


@contextmanager
def recorded_plans(tables: tuple[str, ...] = QUEUES) -> Iterator[list[Plan]]:
    """Yield a list that gets the plan of each different query on these tables, except those that only insert."""
    plans: list[Plan] = []
    seen: set[str] = set()

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        query = REPEATED.sub("%s, …", sql)
        if query not in seen and sql.startswith(("SELECT", "UPDATE", "DELETE")) and any(name in sql for name in tables):
            seen.add(query)
            # A cursor without this wrapper, in the same transaction and with the same settings.
            with closing(connection.create_cursor()) as cursor:
                cursor.execute(EXPLAIN[connection.vendor] + sql, params)
                plans.append(Plan(query, "\n".join(str(row[-1]) for row in cursor.fetchall())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans
