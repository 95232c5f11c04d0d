"""Database helpers that Django doesn't offer: the clock, safe plans, and inserts and updates in one statement."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col, DatabaseDefault, Expression
from django.db.models.sql.compiler import SQLCompiler

ROWS_PER_INSERT = 1000  # SQLite's default limit is 32,766 bound parameters per statement

# PostgreSQL's now() doesn't advance within a transaction, and SQLite's CURRENT_TIMESTAMP has no fractions of a second.
NOW = {
    "postgresql": "SELECT STATEMENT_TIMESTAMP()",
    "sqlite": "SELECT STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')",
}

# Left alone, PostgreSQL chooses a plan by statistics that can be older than the rows of a queue, and then it scans and
# sorts the whole table for each claim. With these settings off, it walks along an index, in the index's order. JIT is
# off as well, because a plan that can't do without one of the others looks expensive enough to be compiled.
PLANNER_SETTINGS = (
    "enable_seqscan",
    "enable_bitmapscan",
    "enable_sort",
    "enable_incremental_sort",
    "enable_hashjoin",
    "enable_mergejoin",
    "jit",
)
WALK_ALONG_INDEXES = "SELECT " + ", ".join(f"set_config('{name}', 'off', true)" for name in PLANNER_SETTINGS)
PLAN_AS_BEFORE = "; ".join(f"RESET {name}" for name in PLANNER_SETTINGS)

AnyField: TypeAlias = "models.Field[Any, Any]"
REMEMBERED = 100  # statements

_is_walking = ContextVar("_is_walking", default=False)


@contextmanager
def index_walks() -> Iterator[None]:
    """Open a transaction in which PostgreSQL finds rows only by walking along indexes, whatever its statistics say.

    For queries on queues, whose size changes faster than statistics. SQLite prefers indexes anyway.
    """
    is_nested = connection.in_atomic_block
    with transaction.atomic():
        if connection.vendor != "postgresql" or _is_walking.get():
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute(WALK_ALONG_INDEXES)
        token = _is_walking.set(True)
        try:
            yield
        finally:
            _is_walking.reset(token)
        if is_nested:  # the caller's transaction goes on, with plans of the usual kind
            with connection.cursor() as cursor:
                cursor.execute(PLAN_AS_BEFORE)


@contextmanager
def no_table_scans() -> Iterator[None]:
    """Open a transaction in which PostgreSQL uses indexes, also where it expects so many rows that it would scan all.

    Unlike ``index_walks``, in which it must not be used, it may collect what an index contains. GIN indexes need that.
    """
    is_nested = connection.in_atomic_block
    with transaction.atomic():
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)")
        yield
        if is_nested:
            with connection.cursor() as cursor:
                cursor.execute("RESET enable_seqscan; RESET jit")


def first_row_by_index(query: str) -> tuple[Any, ...]:
    """Return the first row of a SELECT without parameters, which is planned as in ``index_walks()``.

    Outside of a transaction, this costs a single round trip to the database.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        # PostgreSQL runs statements that it gets together in one transaction.
        return _first_row(f"{WALK_ALONG_INDEXES}; {query}", result=2)
    with index_walks():
        return _first_row(query, result=1)


def _first_row(sql: str, *, result: int) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        for _ in range(1, result):
            cursor.nextset()
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def database_now() -> datetime:
    """Return the database's time. Leases and due times use only this clock, because the clocks of workers differ."""
    with connection.cursor() as cursor:
        cursor.execute(NOW[connection.vendor])
        (value,) = cursor.fetchone()
    return value if isinstance(value, datetime) else datetime.fromisoformat(f"{value}+00:00")


class ValueByKey(Expression):
    """``CASE pk WHEN … THEN … END``: a different value for each row of one UPDATE.

    Django's ``Case(When(pk=…))`` produces the same SQL, but resolves each branch as a query, which takes ten times as
    long.
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
    """Insert the rows that violate no unique constraint, and return their primary keys.

    The other rows are skipped, and the transaction goes on: an IntegrityError would end it on PostgreSQL. Afterward,
    every row exists, so most callers don't need to know which ones they inserted. All rows must be of one model and
    leave the same columns to the database's defaults.
    """
    shares = (rows[first : first + ROWS_PER_INSERT] for first in range(0, len(rows), ROWS_PER_INSERT))
    return set().union(*map(_insert_share, shares))


def _insert_share(rows: Sequence[models.Model]) -> set[Any]:
    # Django's bulk_create(ignore_conflicts=True) doesn't return which rows are new, and reading them back would double
    # the cost. On SQLite it also hides violations of other constraints.
    # Looked up once: django.db.connection is a proxy that finds the connection again for every attribute.
    database = connections[DEFAULT_DB_ALIAS]
    meta = rows[0]._meta
    left = frozenset(field for field in left_sometimes(type(rows[0])) if is_left_to_database(field, rows[0]))
    fields, insert = insert_statement(type(rows[0]), left, len(rows), database.vendor)
    with database.cursor() as cursor:
        cursor.execute(
            insert, [field.get_db_prep_save(getattr(row, field.attname), database) for row in rows for field in fields]
        )
        return {meta.pk.to_python(key) for (key,) in cursor.fetchall()}


@lru_cache(maxsize=REMEMBERED)
def insert_statement(
    model: type[models.Model], left: frozenset[AnyField], rows: int, vendor: str
) -> tuple[Sequence[AnyField], str]:
    """Return the columns to insert, without those ``left`` to the database, and the statement."""
    # Remembered, because building it takes as long as running it, and the same few run with every event.
    quote, meta = connections[DEFAULT_DB_ALIAS].ops.quote_name, model._meta
    fields = [field for field in meta.concrete_fields if field not in left]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * rows)
    insert = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES {values}"  # noqa: S608  # only the names of our own models
    return fields, f"{insert} ON CONFLICT DO NOTHING RETURNING {quote(str(meta.pk.column))}"


@cache
def left_sometimes(model: type[models.Model]) -> Sequence[AnyField]:
    """Return the fields that the database may compute."""
    fields = model._meta.concrete_fields
    return [
        field for field in fields if field.generated or field.has_db_default() or isinstance(field, models.AutoField)
    ]


def is_left_to_database(field: AnyField, row: models.Model) -> bool:
    """Return whether the database computes the field's value for this row."""
    if field.generated:
        return True
    value = getattr(row, field.attname)
    # Django's placeholder for db_default, and a key that the database assigns.
    return isinstance(value, DatabaseDefault) or (isinstance(field, models.AutoField) and value is None)


AnyModel = TypeVar("AnyModel", bound=models.Model)


def first_row(model: type[AnyModel], condition: str, *parameters: Any, only: Sequence[str] = ()) -> AnyModel | None:
    """Return the row that ``SELECT … WHERE condition`` finds first, or None. ``only`` names the columns to load.

    Only for statements that run with every event: the ORM takes five times as long to compile such a query.
    """
    database = connections[DEFAULT_DB_ALIAS]
    columns, select = select_statement(model, tuple(only))
    with database.cursor() as cursor:
        cursor.execute(f"{select} WHERE {condition}", parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    values = [converted(value, column, database) for value, column in zip(row, columns, strict=True)]
    return model.from_db(DEFAULT_DB_ALIAS, [column.target.attname for column in columns], values)


@cache
def select_statement(model: type[models.Model], only: tuple[str, ...]) -> tuple[Sequence[Col], str]:
    meta = model._meta
    fields = [field for field in meta.concrete_fields if not only or field.attname in only]
    names = ", ".join(str(field.column) for field in fields)
    return [field.get_col(meta.db_table) for field in fields], f"SELECT {names} FROM {meta.db_table}"  # noqa: S608


def converted(value: Any, column: Col, database: BaseDatabaseWrapper) -> Any:
    """Return the database's value as the model has it."""
    for convert in (*database.ops.get_db_converters(column), *column.get_db_converters(database)):
        value = convert(value, column, database)
    return value


def execute(sql: str, *parameters: Any) -> int:
    """Run the statement and return the number of rows that it changed.

    Only for statements that run with every event: compiling such an ORM query takes ten times as long as running it.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)
