"""The database: whether it responds, and whether the project can rely on it."""

import os
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import load_backend

from common.redaction import redact
from operations.doctor.checks import Check, Trouble, error, serious, warning
from operations.doctor.hosts import is_local, is_public
from operations.doctor.questions import Question

CONNECT_SECONDS = 5
OLDEST_POSTGRES = 14  # Django 5.2 supports no older one
FULL_FROM, CROWDED_FROM = 0.95, 0.8  # the share of the connections that are in use
PASSWORD_SOURCES = ("PGPASSWORD", "PGPASSFILE", "PGSERVICE")
START = "Start PostgreSQL, or correct DATABASE_URL."
ADVICE = (
    (r"password authentication failed|no password supplied", "Correct the user and the password in DATABASE_URL."),
    (r"database .* does not exist", "Create it (createdb), or correct the name in DATABASE_URL."),
    (r"role .* does not exist", "Create it (createuser), or correct the user in DATABASE_URL."),
    (r"resolve|Name or service|nodename|translate host name", "Correct the host in DATABASE_URL."),
    (r"too many (clients|connections)|remaining connection slots", "Stop other programs, or raise max_connections."),
    (r"SSL|certificate|no encryption", "Correct the parameter sslmode in DATABASE_URL."),
    (r"unable to open database file", "Create the folder in DATABASE_URL, and make it writable."),
    (r"not a database|malformed", "Correct DATABASE_URL, or restore the file from a backup."),
)
FACTS = ("version", "time_zone", "encoding", "is_read_only", "is_encrypted", "connections", "maximum", "now")
POSTGRES_FACTS = """
    SELECT current_setting('server_version_num')::int, current_setting('TimeZone'), current_setting('server_encoding'),
        pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
        coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
        current_setting('max_connections')::int, clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says about itself. Without PostgreSQL, only its vendor is known."""

    vendor: str
    version: int = 0
    time_zone: str = ""
    encoding: str = ""
    is_read_only: bool = False
    is_encrypted: bool = False
    connections: int = 0
    maximum: int = 0
    skew: timedelta = timedelta()  # how far its clock is ahead of ours


def read_facts() -> Facts:
    """Ask the database through a connection of its own, which fails within seconds."""
    with closing(impatient_connection()) as own, own.cursor() as cursor:
        if own.vendor != "postgresql":
            cursor.execute("SELECT 1")
            return Facts(own.vendor)
        before = datetime.now(UTC)
        cursor.execute(POSTGRES_FACTS)
        facts = dict(zip(FACTS, cursor.fetchone(), strict=True))
        # It read its clock while it answered, on average in the middle.
        skew = facts.pop("now") - (before + (datetime.now(UTC) - before) / 2)
        return Facts(own.vendor, **facts, skew=skew)


def impatient_connection() -> BaseDatabaseWrapper:
    configured: dict[str, Any] = connections[DEFAULT_DB_ALIAS].settings_dict
    is_postgres = "postgresql" in configured["ENGINE"]
    limits = {"connect_timeout": CONNECT_SECONDS} if is_postgres else {"timeout": 2}
    options = {**configured["OPTIONS"], **limits}
    own: BaseDatabaseWrapper = load_backend(configured["ENGINE"]).DatabaseWrapper(
        {**configured, "OPTIONS": options}, DEFAULT_DB_ALIAS
    )
    return own


def checks(question: Question[Facts]) -> Iterator[Check]:
    """Yield the checks. If the database doesn't respond, the first one says so, and the others find nothing."""

    def facts() -> Facts | None:
        try:
            return question.answer()
        except Exception:  # reported by the check of the connection
            return None

    def when_known(find: Any) -> Any:
        return lambda: find(known) if (known := facts()) else ()

    yield Check("database.connection", "DATABASE_URL", lambda: connection_troubles(question))
    yield Check("database.engine", "DATABASE_URL", when_known(engine))
    yield Check("database.state", "DATABASE_URL", when_known(state))
    yield Check("database.connections", "DATABASE_URL", when_known(crowding))
    yield Check("database.security", "DATABASE_URL", when_known(security))


def connection_troubles(question: Question[Facts]) -> Iterator[Trouble]:
    try:
        question.answer()
    except TimeoutError:
        yield error("The database doesn't respond.", f"Check whether it hangs or a firewall is in the way. {START}")
    except Exception as failure:
        text = first_sentence(str(failure))
        advice = next((advice for words, advice in ADVICE if re.search(words, text)), START)
        yield error(f"The database can't be used: {redact(text)}.", advice)


def first_sentence(text: str) -> str:
    """Return the reason without psycopg's preamble, advice, and list of attempts."""
    text = re.split(r" Is the server running| Multiple connection attempts| HINT:", " ".join(text.split()))[0]
    return text.removeprefix("connection failed: ").replace("FATAL: ", "").rstrip(". ")


def engine(facts: Facts) -> Iterator[Trouble]:
    if facts.vendor == "sqlite" and settings.IS_PRODUCTION:
        yield error(
            "It is SQLite, which lets only one process write at a time and works on one machine only.",
            "Set DATABASE_URL to PostgreSQL: postgres://user:password@host:5432/name.",
        )
    if facts.version and facts.version // 10_000 < OLDEST_POSTGRES:
        yield error(
            f"It is PostgreSQL {facts.version // 10_000}, which Django doesn't support.",
            f"Upgrade to PostgreSQL {OLDEST_POSTGRES} or newer.",
        )


def state(facts: Facts) -> Iterator[Trouble]:
    if facts.is_read_only:
        yield error("It is read-only, probably a replica.", "Point DATABASE_URL at the primary server.")
    if facts.encoding not in ("", "UTF8"):
        yield error(
            f"Its encoding is {facts.encoding}, which can't store every name.",
            "Create the database again with ENCODING 'UTF8', and restore a backup into it.",
        )
    if facts.time_zone not in ("", "UTC", "Etc/UTC", settings.TIME_ZONE):
        yield warning(
            f"Connections use the time zone {facts.time_zone} instead of {settings.TIME_ZONE}.",
            f"Let the pooler pass on Django's setting, or run ALTER DATABASE … SET timezone TO '{settings.TIME_ZONE}'.",
        )


def crowding(facts: Facts) -> Iterator[Trouble]:
    used = facts.connections / facts.maximum if facts.maximum else 0
    if used >= CROWDED_FROM:
        trouble = serious if used >= FULL_FROM else warning
        yield trouble(
            f"{facts.connections} of its {facts.maximum} connections are in use.",
            "Raise max_connections, run fewer processes, or put a pooler such as PgBouncer in front.",
        )


def security(facts: Facts) -> Iterator[Trouble]:
    configured = connections[DEFAULT_DB_ALIAS].settings_dict
    host = str(configured["HOST"])
    if facts.vendor != "postgresql" or is_local(host):
        return
    has_certificate = "sslcert" in configured["OPTIONS"] or any(name in os.environ for name in PASSWORD_SOURCES)
    if not configured["PASSWORD"] and not has_certificate:
        trouble = serious if is_public(host) else warning
        yield trouble(
            f"{host} accepts connections without a password.",
            "Set a password for the user in PostgreSQL, and add it to DATABASE_URL.",
        )
    if is_public(host) and not facts.is_encrypted:
        yield serious(
            f"The connection to {host} is unencrypted, so everyone on the way can read the data and the password.",
            "Append ?sslmode=require to DATABASE_URL, or ?sslmode=verify-full if you have the server's certificate.",
        )


def migrations() -> Iterator[Trouble]:
    """Compare the migrations in the database with those in the code."""
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if pending:
        subject = "1 migration is" if pending == 1 else f"{pending} migrations are"
        yield error(f"{subject} not applied.", "Run python manage.py migrate.")
    apps = {app for app, _ in executor.loader.graph.nodes}
    unknown = sorted(
        f"{app}.{name}"
        for app, name in executor.loader.applied_migrations
        if app in apps
        and (app, name) not in executor.loader.disk_migrations
        and not executor.loader.replacements.get((app, name))
    )
    if unknown:
        yield warning(
            f"The database is newer than this code: it has {unknown[0]}.",
            "Deploy the code that this database was migrated with.",
        )


MIGRATIONS = Check("database.migrations", "migrations", migrations)
