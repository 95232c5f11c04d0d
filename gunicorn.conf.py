"""gunicorn's settings, which `gunicorn myproject.wsgi` reads from this folder. GUNICORN_CMD_ARGS overrides them."""

import os
import subprocess
import sys

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from prometheus_client import multiprocess

# The access log: the client, the method, the path without its query string, the status, the size, and the duration.
logger_class = "common.access_log.SafeLogger"
accesslog = "-"
access_log_format = "%(h)s %(m)s %(U)s %(s)s %(B)sB %(M)sms"

# Limits for the first line and the headers of a request. A larger one is refused before it reaches the project.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# By default, the SCRIPT_NAME and PATH_INFO headers of a local proxy's requests are believed. Proxies pass these headers
# on from clients, and a wrong one causes a response with status 500.
forwarder_headers = ""

# Threads never wait for a client, so that slow connections can't occupy them. For tests of other servers, and for TLS
# without a proxy, --worker-class gthread has the usual behavior.
worker_class = "common.buffering.BufferingWorker"
threads = 16  # in each worker process; each may hold a connection to the database
worker_connections = 800  # below the usual limit of 1,024 open files; beyond it, the oldest waiting connection ends
timeout = 30
graceful_timeout = 30
keepalive = 75  # longer than proxies keep idle connections, so that none of them sends a request into a closed one


def child_exit(server: Arbiter, worker: Worker) -> None:
    """Remove the states of a dead process from /metrics. Its counts stay."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_starting(server: object) -> None:
    """Exit with status 1 and one sentence if the settings refuse to load. A worker would print a long traceback."""
    # In a process of its own, so that a worker that starts after a HUP loads the new code and not this one's.
    command = [sys.executable, "-c", "from settings.startup import exit_if_unusable; exit_if_unusable()"]
    environment = {"DJANGO_SETTINGS_MODULE": "settings.production", **os.environ}
    if subprocess.run(command, env=environment, check=False).returncode:
        sys.exit(1)
