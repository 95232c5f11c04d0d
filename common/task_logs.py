"""Connects the log lines of a Celery task with those of the request that caused it. Import it in the Celery app.

Headers of the task's message carry the IDs. One wake-up can stand for many requests, so it has a list of them.
"""

import logging
from collections.abc import Sequence
from typing import Any

from celery import Celery, Task
from celery.apps.beat import Beat
from celery.signals import before_task_publish, celeryd_init, task_postrun, task_prerun

from common.log_context import begin, carried_ids, end, is_well_formed

logger = logging.getLogger(__name__)

REQUEST_IDS = "request_ids"  # the header
MAX_REQUEST_IDS = 100


@before_task_publish.connect
def add_headers(headers: dict[str, Any] | None = None, **_: Any) -> None:
    for name, value in carried_ids().items():
        if headers is not None:
            headers.setdefault(name, value)


@task_prerun.connect
def begin_task(task_id: str, task: "Task[Any, Any]", **_: Any) -> None:
    """Log the start of tasks that a request caused. Beat's sweeps would only fill the log."""
    request = vars(task.request)
    ids = carried_ids(request)
    request["log_context"] = begin({"task_id": task_id, **ids})
    woken_by = well_formed(request.get(REQUEST_IDS))
    if ids or woken_by:
        logger.info("Task %s begins.", task.name, extra={REQUEST_IDS: woken_by} if woken_by else {})


@task_postrun.connect
def end_task(task: "Task[Any, Any]", **_: Any) -> None:
    if token := vars(task.request).pop("log_context", None):
        end(token)


def well_formed(ids: object) -> Sequence[str]:
    return [value for value in ids if is_well_formed(value)][:MAX_REQUEST_IDS] if isinstance(ids, list) else []


class BeatWithoutBanner(Beat):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "quiet": True})


def omit_banners(app: Celery) -> None:
    """Start worker and beat as with --quiet, because what they print isn't JSON."""
    celeryd_init.connect(omit_workers_banner)
    vars(app)["Beat"] = app.subclass_with_self(BeatWithoutBanner)  # a cached property


def omit_workers_banner(instance: Any, **_: Any) -> None:
    instance.quiet = True
