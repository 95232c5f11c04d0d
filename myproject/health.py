"""/healthz: this process answers. /readyz: it can do its work, and what the mail is doing."""

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
    """503 when the database or a migration is missing: then no request can be served.

    Mail that waits makes the status ``degraded`` and keeps 200: taking the web processes out of service because a
    mail provider is down would end the sign-ups that the outbox is there to keep.
    """
    checks: dict[str, object] = {"database": checked(database), "migrations": "unknown"}
    if checks["database"] == "ok":
        checks["migrations"] = checked(migrations)
    is_ready = checks["database"] == checks["migrations"] == "ok"
    mail_flows = True
    if is_ready:
        report = monitoring.report()
        checks |= {"outbox": report.outbox, "providers": report.providers}
        mail_flows = report.flows
    status = "unavailable" if not is_ready else "ok" if mail_flows else "degraded"
    return JsonResponse({"status": status, "checks": checks}, status=200 if is_ready else 503)


def checked(check: Callable[[], str]) -> str:
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
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return f"{len(plan)} migrations of {DEFAULT_DB_ALIAS} are not applied. Run python manage.py migrate"
    return "ok"
