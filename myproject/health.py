"""/healthz: whether this process responds. /readyz: whether it can serve requests, and the state of email delivery."""

import logging
from collections.abc import Callable

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from emails import monitoring

logger = logging.getLogger(__name__)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 503 if the database or a migration is missing, because then no request can be served."""
    checks: dict[str, object] = {"database": checked(database), "migrations": "unknown"}
    if checks["database"] == "ok":
        checks["migrations"] = checked(migrations)
    is_ready = checks["database"] == checks["migrations"] == "ok"
    is_email_healthy = True
    if is_ready:
        report = monitoring.report()
        checks |= {"outbox": report.outbox, "providers": report.providers}
        is_email_healthy = report.is_healthy
    # Delayed email is no reason for 503. If a provider's outage took the web processes out of service, people couldn't
    # sign up, although the outbox would keep their emails.
    status = "unavailable" if not is_ready else "ok" if is_email_healthy else "degraded"
    return JsonResponse({"status": status, "checks": checks}, status=200 if is_ready else 503)


def checked(check: Callable[[], str]) -> str:
    """Return the result of the check, without details of an exception: the response is public."""
    try:
        return check()
    except DatabaseError:
        logger.exception("The readiness check %s failed.", check.__name__)
        return "failed: the database doesn't respond"


def database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def migrations() -> str:
    # Between a deployment and its migration, requests could fail on missing columns.
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return f"{len(plan)} migrations of {DEFAULT_DB_ALIAS} are not applied. Run python manage.py migrate"
    return "ok"
