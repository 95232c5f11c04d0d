"""Prepares the start of bin/dev: checks settings, database, and Redis, and migrates. Exits with 1 and a sentence."""

import sys

import django
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from settings.environment import source_of
from settings.startup import explained

SECONDS_FOR_REDIS = 3


def main() -> None:
    django.setup()
    require_redis()
    executor = MigrationExecutor(connection)
    refuse_newer_database(executor.loader)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print(f"Migrating the database ({len(plan)} migrations).", flush=True)
        call_command("migrate", interactive=False, verbosity=0)


def require_redis() -> None:
    """Raise ImproperlyConfigured if REDIS_URL is set, but Redis doesn't respond."""
    if not settings.REDIS_URL:
        return
    limits = {"socket_connect_timeout": SECONDS_FOR_REDIS, "socket_timeout": SECONDS_FOR_REDIS}
    try:
        redis.Redis.from_url(settings.REDIS_URL, **limits).ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"the Redis server of REDIS_URL (in {source_of('REDIS_URL').rstrip(',')}) doesn't respond: "
            f"{str(error).rstrip('.')}. Start it, or remove the variable: bin/dev needs no Redis."
        ) from None


def refuse_newer_database(loader: MigrationLoader) -> None:
    """Raise ImproperlyConfigured if the database has migrations that this version of the code doesn't have."""
    replaced = {name for migration in loader.replacements.values() for name in migration.replaces}
    known = {*loader.disk_migrations, *replaced}
    unknown = sorted(
        key for key in loader.applied_migrations or () if key[0] in loader.migrated_apps and key not in known
    )
    if unknown:
        names = ", ".join(".".join(key) for key in unknown[:3]) + (", …" if unknown[3:] else "")
        other = f"move {connection.settings_dict['NAME']} away" if connection.vendor == "sqlite" else "set DATABASE_URL"
        raise ImproperlyConfigured(
            f"the database is newer than this code, which doesn't have {names}. Switch to the newer version of the "
            f"code, or use another database: {other}."
        )


if __name__ == "__main__":
    try:
        with explained():
            main()
    except KeyboardInterrupt:
        sys.exit(130)
