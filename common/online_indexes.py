"""Migration operations that add and remove an index while the table is in use.

PostgreSQL locks a table against writes while it builds an index, which takes minutes with millions of rows. These
operations build it concurrently, so sign-ups and delivery go on. Their migration needs ``atomic = False``. On SQLite,
they do the same as Django's own.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class AddIndexOnline(AddIndexConcurrently):
    """Adds an index. May be repeated after it was interrupted."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        if is_postgresql(schema_editor):
            # An interrupted build leaves an index that is never used, and whose name is taken.
            name = schema_editor.quote_name(str(self.index.name))
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            super().database_forwards(app_label, schema_editor, *states)
        else:
            super(AddIndexConcurrently, self).database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        if is_postgresql(schema_editor):
            super().database_backwards(app_label, schema_editor, *states)
        else:
            super(AddIndexConcurrently, self).database_backwards(app_label, schema_editor, *states)


class RemoveIndexOnline(RemoveIndexConcurrently):
    """Removes an index."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        if is_postgresql(schema_editor):
            super().database_forwards(app_label, schema_editor, *states)
        else:
            super(RemoveIndexConcurrently, self).database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        if is_postgresql(schema_editor):
            super().database_backwards(app_label, schema_editor, *states)
        else:
            super(RemoveIndexConcurrently, self).database_backwards(app_label, schema_editor, *states)


def is_postgresql(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    return bool(schema_editor.connection.vendor == "postgresql")
