"""Finds emails by a recipient's address, with indexes on the column that holds all addresses of an email.

Most emails have one recipient, so an ordinary index finds them by the whole column. The few with several recipients
have an index of their own. Both indexes follow from the column, so nothing else has to be written or erased.
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BooleanField, Expression, F, Func, Index, Model, Q, Value
from django.db.models.sql.compiler import SQLCompiler


class HasSeveral(Func):
    """Whether the column holds several addresses, which are separated by spaces.

    The space is part of the SQL and no parameter. Otherwise, the database couldn't recognize an index's condition.
    """

    template = "(STRPOS(%(expressions)s, ' ') > 0)"
    output_field = BooleanField()

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, Any]:
        return super().as_sql(compiler, connection, template="(INSTR(%(expressions)s, ' ') > 0)", **context)


class HasOne(HasSeveral):
    """Whether the column holds at most one address."""

    template = "(STRPOS(%(expressions)s, ' ') = 0)"

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="(INSTR(%(expressions)s, ' ') = 0)", **context)


class IsAmong(Func):
    """Whether an address, the second argument, is one of several in the column, the first argument."""

    template = "(STRING_TO_ARRAY(%(expressions)s])"
    arg_joiner = ", ' ') @> ARRAY["
    output_field = BooleanField()

    def __init__(self, column: Expression | F | str, address: Expression | str, **extra: Any) -> None:
        super().__init__(column, Value(address) if isinstance(address, str) else address, **extra)

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(
            compiler,
            connection,
            template="(INSTR(' ' || %(expressions)s || ' ') > 0)",
            arg_joiner=" || ' ', ' ' || ",
            **context,
        )


class SeveralRecipientsIndex(Index):
    """The addresses of emails with several recipients.

    On PostgreSQL, it is a GIN index on each address. SQLite has no such index, so there it is a copy of the column that
    contains only these emails, and is scanned.
    """

    def __init__(self, *, name: str) -> None:
        super().__init__(fields=["recipients"], name=name, condition=Q(HasSeveral("recipients")))

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        path, _, _ = super().deconstruct()
        return path, (), {"name": self.name}

    def create_sql(
        self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Any:
        if schema_editor.connection.vendor != "postgresql":
            return super().create_sql(model, schema_editor, using, **kwargs)
        statement: Any = super().create_sql(model, schema_editor, " USING gin", **kwargs)
        # Without fastupdate, no reader has to search a list of rows that were not indexed yet.
        statement.parts["columns"] = "(STRING_TO_ARRAY(\"recipients\", ' '))"
        statement.parts["extra"] = " WITH (fastupdate = off)"
        return statement
