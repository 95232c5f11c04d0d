"""/metrics: counters and states for Prometheus, for holders of METRICS_TOKEN.

Each process counts for itself. If there are several and PROMETHEUS_MULTIPROC_DIR names an empty folder that they can
write to, the response adds up the counts of all. Otherwise, it shows the counts of the process that responds.
"""

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from common.bearer import has_bearer_token


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        return HttpResponseNotFound()
    if not has_bearer_token(request, settings.METRICS_TOKEN):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    all_processes = CollectorRegistry()
    multiprocess.MultiProcessCollector(all_processes)  # type: ignore[no-untyped-call]
    return all_processes
