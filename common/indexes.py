"""Migration operations that add and remove indexes while the application is running.

A migration that uses them needs ``atomic = False``. Where the database isn't PostgreSQL, they do the same as Django's
own operations, because SQLite locks the database for every change anyway.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex, RemoveIndex


class AddIndexOnline(AddIndexConcurrently):
    """Builds an index without blocking writes. Can be repeated after it was interrupted.

    PostgreSQL keeps an index whose concurrent build was interrupted, marked as invalid. It would be neither used nor
    built again, so it is removed first.
    """

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, *states)
            return
        self._ensure_not_in_transaction(schema_editor)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
        super().database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        is_postgres = schema_editor.connection.vendor == "postgresql"
        operation = AddIndexConcurrently if is_postgres else AddIndex
        operation.database_backwards(self, app_label, schema_editor, *states)


class RemoveIndexOnline(RemoveIndexConcurrently):
    """Removes an index without blocking writes."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        is_postgres = schema_editor.connection.vendor == "postgresql"
        operation = RemoveIndexConcurrently if is_postgres else RemoveIndex
        operation.database_forwards(self, app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        is_postgres = schema_editor.connection.vendor == "postgresql"
        operation = RemoveIndexConcurrently if is_postgres else RemoveIndex
        operation.database_backwards(self, app_label, schema_editor, *states)
