"""Runs all checks. Services that don't respond cost a few seconds together, and hide no other finding."""

from collections.abc import Iterable, Iterator
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from common.findings import Finding, Level
from operations.doctor import (
    brokers,
    clocks,
    databases,
    delivery,
    domains,
    files,
    framework,
    keys,
    outbox,
    payments,
    processes,
    senders,
    site,
    variables,
    webhooks,
)
from operations.doctor.checks import Check, findings_of
from operations.doctor.questions import Question

SETTINGS = (*site.CHECKS, *keys.CHECKS, *senders.CHECKS, *delivery.CHECKS, *payments.CHECKS)
# These read tables, which must exist.
TABLES = (*processes.CHECKS, *outbox.CHECKS, *webhooks.CHECKS)
STATEMENT_SECONDS = 5


def examine(*, with_dns: bool = False) -> list[Finding]:
    """Return all findings, in the order in which they are shown."""
    return [*examined(with_dns=with_dns)]


def examined(*, with_dns: bool) -> Iterator[Finding]:
    database = Question(databases.read_facts)
    servers = {name: Question(partial(brokers.read_facts, url)) for name, url in brokers.servers().items()}
    # Developers may be offline, and their clocks harm nobody.
    called = clocks.services() if settings.IS_PRODUCTION else {}
    services = {name: Question(partial(clocks.call, url)) for name, url in called.items()}

    yield from variables.findings(settings.VARIABLES)
    yield from run(SETTINGS)
    yield from run([*files.CHECKS, *framework.CHECKS])
    reached = [*run(databases.checks(database))]
    yield from reached
    yield from run(brokers.checks(servers))
    if not any(finding.check == "database.connection" and finding.level == Level.ERROR for finding in reached):
        yield from of_tables()
    yield from run(clocks.checks(database, services))
    if with_dns:
        yield from domains.findings()


def run(checks: Iterable[Check]) -> Iterator[Finding]:
    for check in checks:
        yield from findings_of(check)


def of_tables() -> Iterator[Finding]:
    """Yield what the tables show. Before the migrations ran, there is nothing to read."""
    migrated = [*impatiently(databases.MIGRATIONS)]
    yield from migrated
    if not any(finding.level == Level.ERROR for finding in migrated):
        for check in TABLES:
            yield from impatiently(check)


def impatiently(check: Check) -> list[Finding]:
    """Run a check in a transaction of its own, in which PostgreSQL ends a query that takes too long."""
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            return [*findings_of(check)]
    except (DatabaseError, InterfaceError) as error:
        text = databases.first_sentence(str(error))
        return [Finding(check.name, Level.ERROR, check.subject, f"The check failed: {text}.", databases.START)]
