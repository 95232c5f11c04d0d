"""/healthz: whether this process responds. /readyz: whether it can serve requests, and the state of email delivery."""

import logging
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.db import DEFAULT_DB_ALIAS, Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.bearer import has_bearer_token
from common.cache import cache_state
from common.client_ip import is_header_ignored
from common.outages import unavailable
from emails import monitoring

logger = logging.getLogger(__name__)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 503 if the database or a migration is missing, because then no request can be served.

    Everybody gets the states. The names of providers and the reasons are for staff and holders of METRICS_TOKEN.
    """
    checks: dict[str, Any] = {"database": checked(database), "migrations": "unknown", "cache": cache_state()}
    if checks["database"] == "ok":
        checks["migrations"] = checked(migrations)
    report = None
    if checks["database"] == checks["migrations"] == "ok":
        try:
            report = monitoring.report()
        except Error as error:
            checks["database"] = failed(error, "report")
    is_ready = report is not None
    is_healthy = report is not None and report.is_healthy and checks["cache"] == "ok"
    if report:
        checks |= {"outbox": report.outbox, "providers": report.providers}
    # Delayed email must not lead to a 503: if a provider's outage took the web processes out of service, nobody could
    # sign up, although the outbox would keep their emails. Without Redis, rate limits are counted in each process.
    status = "unavailable" if not is_ready else "ok" if is_healthy else "degraded"
    if is_header_ignored.is_set():
        checks["proxy"] = "X-Forwarded-For arrives, but TRUSTED_PROXY_COUNT is 0"
    shown = checks if may_see_details(request) else without_details(checks)
    return JsonResponse({"status": status, "checks": shown}, status=200 if is_ready else 503)


def may_see_details(request: HttpRequest) -> bool:
    return has_bearer_token(request, settings.METRICS_TOKEN) or is_staff(request)


def is_staff(request: HttpRequest) -> bool:
    """Return whether the request has the session of a staff user. False if the database doesn't respond.

    Probes are answered before the session middleware runs, so this loads the session itself.
    """
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not session_key:
        return False
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    try:
        user = get_user(request)
    except Error:
        return False
    return user.is_active and user.is_staff


def without_details(checks: dict[str, Any]) -> dict[str, Any]:
    """Return the states alone: ``failed: the database …`` becomes ``failed``, and providers are numbered."""
    shown: dict[str, Any] = {
        name: state.partition(":")[0] if isinstance(state, str) else state
        for name, state in checks.items()
        if name != "proxy"
    }
    if "providers" in shown:
        states = [{"state": provider["state"]} for _, provider in sorted(shown["providers"].items())]
        shown["providers"] = {f"provider {number}": state for number, state in enumerate(states, start=1)}
    return shown


def checked(check: Callable[[], str]) -> str:
    """Return the result of the check: ok, or a state with an explanation after a colon."""
    try:
        return check()
    except Error as error:
        return failed(error, check.__name__)


def failed(error: Error, check: str) -> str:
    if not unavailable(error):
        logger.error("The readiness check %s failed.", check, exc_info=error)
    return "failed: the database doesn't respond"


def database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def migrations() -> str:
    # Between a deployment and its migration, requests could fail on missing columns.
    pending = count_pending(frozenset(MigrationRecorder(connection).applied_migrations()))
    if pending:
        return f"pending: {pending} migrations of {DEFAULT_DB_ALIAS} are not applied. Run python manage.py migrate"
    return "ok"


@lru_cache(maxsize=1)
def count_pending(applied: frozenset[tuple[str, str]]) -> int:
    """Return how many migrations are missing. Cached by what is applied, because anybody can call /readyz."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
