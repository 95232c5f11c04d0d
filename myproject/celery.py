"""The Celery app, for `celery -A myproject worker` and `celery -A myproject beat`."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps
from celery.worker import WorkController
from django.conf import settings

from common import task_logs  # also connects its signals
from settings.startup import exit_if_unusable

# Production by default, as in wsgi.py: a server without this variable must not run with DEBUG.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.production")

is_command = "celery" in (Path(sys.argv[0]).name, Path(sys.argv[0]).parent.name)
if is_command:
    # The command would hide the sentence in a traceback. Everything else loads the settings before this module.
    exit_if_unusable()

HEARTBEAT_FILE = Path(__file__).resolve().parent.parent / "var" / "worker-heartbeat"
HEARTBEAT_INTERVAL = timedelta(seconds=10)  # the health check in docker-compose.yml allows a minute


class Heartbeat(bootsteps.StartStopStep):
    """Touches var/worker-heartbeat while the worker's event loop runs. The container's health check reads its age.

    `celery inspect ping` would also work, but takes two seconds of CPU time per check.
    """

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: WorkController) -> None:
        HEARTBEAT_FILE.touch()
        timer: Any = parent.timer
        timer.call_repeatedly(HEARTBEAT_INTERVAL.total_seconds(), HEARTBEAT_FILE.touch)


app = Celery("myproject")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Heartbeat)
if is_command and settings.LOG_FORMAT == "json":
    task_logs.omit_banners(app)
