"""Runs web, worker, and beat for bin/dev. They start and stop together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from urllib.request import urlopen

from settings.environment import BASE_DIR, read_environment

SECONDS_TO_STOP = 10  # a process that takes longer is killed
POLL_SECONDS = 0.5

URLS = """
The project is running. Press Ctrl-C to stop it.
    http://localhost:{port}/            the site, where you can sign up
    http://localhost:{port}/dev/inbox/  every email that was sent
    http://localhost:{port}/dev/emails/ every email template, with sample data
    http://localhost:{port}/api/docs/   the API
    http://localhost:{port}/admin/      the admin (create a user for it with "{python} manage.py createsuperuser")
"""


class Child:
    """A process whose output is prefixed with its name.

    It has its own session, so that Ctrl-C in the terminal doesn't reach it directly. Otherwise, it would receive two
    signals: that one, and the one from ``stop``.
    """

    def __init__(self, name: str, *command: str) -> None:
        self.name = name
        self.command = [sys.executable, *command]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self.copy_output, args=[self.process], daemon=True).start()

    def copy_output(self, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            sys.stdout.buffer.write(f"{self.name:<6} | ".encode() + line)
            sys.stdout.buffer.flush()

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            # The whole group, because runserver's reloader runs the server as a child of its own.
            os.killpg(self.process.pid, number)


def main() -> int:
    """Start everything and return the exit code."""
    env = read_environment()
    port = env.whole_number("PORT", default=8000)
    if not is_free(port):
        print(f"Port {port} is in use by another program. Stop it, or choose another port: PORT={port + 1} bin/dev")
        return 1
    # Python buffers output to a pipe, so the children's lines would arrive in blocks of 8 kB.
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ["DJANGO_RUNSERVER_HIDE_WARNING"] = "true"
    if "APP_URL" not in env:
        os.environ["APP_URL"] = f"http://localhost:{port}"
    # SIGHUP arrives when the terminal is closed.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    return run(port)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def announce(port: int) -> None:
    """Print the URLs as soon as the server responds."""
    while True:
        with suppress(OSError):
            urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            print(URLS.format(port=port, python=sys.executable), flush=True)
            return
        time.sleep(POLL_SECONDS)


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run(port: int) -> int:
    """Run until a process ends, and return its exit code. After Ctrl-C, return 0."""
    children: list[Child] = []
    try:
        children.append(Child("web", "manage.py", "runserver", f"127.0.0.1:{port}"))
        children.append(Child("worker", "-m", "celery", "-A", "myproject", "--quiet", "worker", "--loglevel=INFO"))
        children.append(Child("beat", "-m", "celery", "-A", "myproject", "--quiet", "beat", "--loglevel=INFO"))
        threading.Thread(target=announce, args=[port], daemon=True).start()
        return watch(children)
    except KeyboardInterrupt:
        return 0
    finally:
        # A second Ctrl-C must not interrupt the stopping, or processes would keep running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stop(children)


def watch(children: Sequence[Child]) -> int:
    """Restart worker and beat when code changes. Return when a process ends, with its exit code."""
    _, *without_reloader = children  # only runserver reloads on its own
    seen = modification_times()
    while True:
        for child in children:
            if (code := child.process.poll()) is not None:
                print(f"{child.name} ended with exit code {code}. Stopping the other processes.", flush=True)
                return code if code >= 0 else 128 - code  # the shell's convention for processes that a signal killed
        if (now := modification_times()) != seen:
            seen = now
            stop(without_reloader)
            for child in without_reloader:
                child.start()
        time.sleep(POLL_SECONDS)


def modification_times() -> dict[Path, float]:
    times = {}
    for package in BASE_DIR.glob("*/__init__.py"):
        for path in package.parent.rglob("*.py"):
            with suppress(FileNotFoundError):  # an editor is replacing the file
                times[path] = path.stat().st_mtime
    return times


def stop(children: Sequence[Child]) -> None:
    deadline = time.monotonic() + SECONDS_TO_STOP
    # All of them get the signal before the first wait, so that they stop in parallel.
    for child in children:
        child.signal(signal.SIGTERM)
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0, deadline - time.monotonic()))
        child.signal(signal.SIGKILL)
        child.process.wait()


if __name__ == "__main__":
    sys.exit(main())
