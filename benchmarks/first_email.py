"""Time from a clone until its first email is in bin/dev's inbox, and from a sign-up until a provider accepts its email.

    python benchmarks/first_email.py            needs PostgreSQL and redis-server

The first two figures include the installation, with pip and with uv (if it is installed), each with the packages in its
cache: the benchmark installs once before it measures. Targets on two idle cores: 60 s with pip and 25 s with uv, never
more than 6 s without output, and from then on 3 s for each email.
"""

import os
import shutil
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
from tests.test_bin_dev import ADA, Development, running

TARGET = 3.0
TARGETS_FROM_CLONE = {"pip": 60.0, "uv": 25.0}
LONGEST_SILENCE = 6.0
KEPT = ("PIP_", "UV_", "SSL_", "HTTPS_PROXY", "REQUESTS_CA_BUNDLE")  # where this machine gets packages


def from_clone(installer: str) -> tuple[float, float]:
    """Return the seconds from the beginning of a clone until its first email, and the longest time without output."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    variables = {**kept, "HOME": str(Path.home()), "VENV": ".venv", "PATH": path_for(installer)}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with running(clone_into(Path(folder) / "clone"), free_port(), **variables) as project:
            silence = longest_silence(project)
            assert f"Installing requirements.txt with {installer}" in project.output(), project.output()
            sign_up(project)
            return time.perf_counter() - started, silence


def path_for(installer: str) -> str:
    """Return a PATH with or without uv, and without the virtual environment that runs this benchmark."""
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.startswith(sys.prefix)]
    if installer == "pip":
        folders = [folder for folder in folders if not (Path(folder) / "uv").exists()]
    return os.pathsep.join([str(Path(sys.base_prefix) / "bin"), *folders])


def longest_silence(project: Development) -> float:
    """Wait until the project runs, and return the longest time in seconds in which it printed nothing."""
    longest, size, since = 0.0, 0, time.perf_counter()
    while "The project is running." not in project.output():
        assert project.process.poll() is None, project.output()
        time.sleep(0.1)
        longest = max(longest, time.perf_counter() - since)
        if (now := project.log.stat().st_size) != size:
            size, since = now, time.perf_counter()
    return longest


def sign_up(project: Development) -> None:
    """Sign up, and wait until the email is in the inbox."""
    requests.post(f"{project.url}/api/accounts/signup/", json=ADA, timeout=HUNG_AFTER).raise_for_status()
    wait_until(lambda: bool(project.messages()), "the email is visible")


def report_from_clone() -> bool:
    is_reached = True
    for installer, target in TARGETS_FROM_CLONE.items():
        if installer == "uv" and not shutil.which("uv"):
            print("clone to first email, with uv: not measured, because uv is not installed")
            continue
        from_clone(installer)  # fills the cache
        seconds, silence = from_clone(installer)
        is_reached &= report(f"clone to first email, with {installer}", seconds, target, " s")
        is_reached &= report(f"longest time without output, with {installer}", silence, LONGEST_SILENCE, " s")
    return is_reached


def until_visible() -> float:
    """Return the seconds from a sign-up until its email is in the inbox of a fresh clone."""
    with tempfile.TemporaryDirectory() as folder, running(clone_into(Path(folder) / "clone"), free_port()) as project:
        project.wait_for("/dev/inbox/")
        started = time.perf_counter()
        sign_up(project)
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
    is_reached = report_from_clone()
    is_reached &= report("sign-up to visible, with bin/dev", until_visible(), TARGET, " s")
    redis = RedisServer().start()
    try:
        is_reached &= report("sign-up to sent, with Redis and a worker", until_sent(redis), TARGET, " s")
    finally:
        redis.stop()
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
