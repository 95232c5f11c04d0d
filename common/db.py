"""Named queries over work that waits: what is due, who holds it, whose holder died."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault, Expression
from django.db.models.sql.compiler import SQLCompiler

ROWS_AN_INSERT = 1000  # a statement of SQLite's takes 32,766 values, where nobody raised that

# PostgreSQL's now() stands still within a transaction; SQLite's CURRENT_TIMESTAMP has no fractions of a second.
NOW = {
    "postgresql": "SELECT STATEMENT_TIMESTAMP()",
    "sqlite": "SELECT STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')",
}


def database_now() -> datetime:
    """The database's clock: the only one that decides about leases and due times, since workers' clocks differ."""
    with connection.cursor() as cursor:
        cursor.execute(NOW[connection.vendor])
        (value,) = cursor.fetchone()
    return value if isinstance(value, datetime) else datetime.fromisoformat(f"{value}+00:00")


class ValueByKey(Expression):
    """``CASE pk WHEN … THEN … END``: another value for each row of one UPDATE.

    Django's ``Case(When(pk=…))`` says the same and resolves every branch as a query of its own, at ten times the cost.
    """

    def __init__(self, values: Mapping[UUID, str]) -> None:
        super().__init__(output_field=models.CharField())
        self.values = values

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        key: models.Field[Any, Any] = compiler.query.get_meta().pk
        branches = " ".join(["WHEN %s THEN %s"] * len(self.values))
        pairs = ((key.get_db_prep_value(pk, connection), value) for pk, value in self.values.items())
        return f"CASE {connection.ops.quote_name(str(key.column))} {branches} END", tuple(chain(*pairs))


def insert_if_absent(rows: Sequence[models.Model]) -> set[Any]:
    """Insert the rows whose unique keys are still free, and return the primary keys of those rows.

    Rows whose keys are taken are left alone, so the caller's transaction goes on; an IntegrityError would end it on
    PostgreSQL. All rows are of one model and leave the same columns to the database's defaults.
    """
    shares = (rows[first : first + ROWS_AN_INSERT] for first in range(0, len(rows), ROWS_AN_INSERT))
    return set().union(*map(_insert_share, shares))


# Django's bulk_create(ignore_conflicts=True) doesn't report which rows it inserted, and on SQLite its INSERT OR IGNORE
# also hides rows that break a constraint other than a unique one.
def _insert_share(rows: Sequence[models.Model]) -> set[Any]:
    quote, meta = connection.ops.quote_name, rows[0]._meta
    fields = [field for field in meta.concrete_fields if not is_left_to_database(field, rows[0])]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    insert = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES {values}"  # noqa: S608  # names of our own models
    with connection.cursor() as cursor:
        cursor.execute(
            f"{insert} ON CONFLICT DO NOTHING RETURNING {quote(str(meta.pk.column))}",
            [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields],
        )
        return {meta.pk.to_python(key) for (key,) in cursor.fetchall()}


def is_left_to_database(field: "models.Field[Any, Any]", row: models.Model) -> bool:
    if field.generated:
        return True
    value = getattr(row, field.attname)
    return isinstance(value, DatabaseDefault) or (isinstance(field, models.AutoField) and value is None)
