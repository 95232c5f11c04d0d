"""/metrics: counters and states for Prometheus, for holders of METRICS_TOKEN (docs/metrics.md).

Most of it comes from the database (operations/metrics), so any web process can respond, for all workers as well. What
web processes count themselves is added up if PROMETHEUS_MULTIPROC_DIR names an empty folder that they can write to.
Otherwise, it is the count of the process that responds.
"""

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from common.bearer import has_bearer_token
from operations.metrics import collector


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        return HttpResponseNotFound()
    if not has_bearer_token(request, settings.METRICS_TOKEN):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    text = generate_latest(registry()) + generate_latest(collector.registry())
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def registry() -> CollectorRegistry:
    """Return what the web processes count themselves."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    all_processes = CollectorRegistry()
    multiprocess.MultiProcessCollector(all_processes)  # type: ignore[no-untyped-call]
    return all_processes
