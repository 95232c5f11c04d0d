"""The Celery app: `celery -A myproject worker`, `celery -A myproject beat`."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps
from celery.worker import WorkController

# Production by default, as in wsgi.py: a server that was told nothing must not run with DEBUG.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.production")

PULSE_FILE = Path(__file__).resolve().parent.parent / "var" / "worker-pulse"
PULSE_INTERVAL = timedelta(seconds=10)


class Pulse(bootsteps.StartStopStep):
    """Touches var/worker-pulse while the worker's loop turns. Its age is the container's health check.

    `celery inspect ping` asks the same, for two seconds of CPU each time.
    """

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: WorkController) -> None:
        PULSE_FILE.touch()
        timer: Any = parent.timer
        timer.call_repeatedly(PULSE_INTERVAL.total_seconds(), PULSE_FILE.touch)


app = Celery("myproject")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Pulse)
