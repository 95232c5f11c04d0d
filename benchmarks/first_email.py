"""Time from a sign-up until its email is visible in bin/dev's inbox, and until the provider accepts it.

    python benchmarks/first_email.py            needs PostgreSQL and redis-server

Targets: visible in the development inbox within 3 s, and sent within 3 s through gunicorn, Redis, and a Celery worker.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import requests

from benchmarks.figures import report
from emails.tests.support.standin import StandIn
from tests.support.clone import clone_into
from tests.support.stack import HUNG_AFTER, RedisServer, Stack, free_port, temporary_database, wait_until
from tests.test_bin_dev import ADA, running

TARGET = 3.0


def until_visible() -> float:
    """Return the seconds from a sign-up until its email is in the inbox of a fresh clone."""
    with tempfile.TemporaryDirectory() as folder, running(clone_into(Path(folder) / "clone"), free_port()) as project:
        project.wait_for("/dev/inbox/")
        started = time.perf_counter()
        requests.post(f"{project.url}/api/accounts/signup/", json=ADA, timeout=HUNG_AFTER).raise_for_status()
        wait_until(lambda: bool(project.messages()), "the email is visible")
        return time.perf_counter() - started


def until_sent(redis: RedisServer) -> float:
    """Return the seconds from a sign-up until the provider accepts its email, once the processes are warm."""
    with StandIn() as api, tempfile.TemporaryDirectory() as folder, temporary_database() as database:
        environment = {
            "REDIS_URL": redis.url,
            "EMAIL_PROVIDER": "resend",
            "RESEND_API_KEY": "key_of_the_benchmark",
            "RESEND_API_URL": api.url("resend"),
        }
        with Stack(Path(folder), database, environment) as stack:
            stack.manage("migrate", "-v", "0")
            stack.start_worker()
            stack.start_web()
            stack.signup("warm@example.com")
            wait_until(lambda: stack.statuses() == {"sent": 1}, "the stack is warm")
            started = time.perf_counter()
            stack.signup("ada@example.com")
            wait_until(lambda: stack.statuses() == {"sent": 2}, "the email is sent")
            return time.perf_counter() - started


def main() -> int:
    is_reached = report("sign-up to visible, with bin/dev", until_visible(), TARGET, " s")
    redis = RedisServer().start()
    try:
        is_reached &= report("sign-up to sent, with Redis and a worker", until_sent(redis), TARGET, " s")
    finally:
        redis.stop()
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
