"""Runs web, worker, and beat for bin/dev. They start and stop together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from urllib.request import urlopen

from myproject.development.children import Child, Watchdog, stop
from settings.environment import BASE_DIR, MAXIMUM_PORT, RUNNING, Env, read_environment
from settings.running import AlreadyRunning, record
from settings.startup import explained

POLL_SECONDS = 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP arrives when the terminal is closed


def main() -> int:
    """Start everything and return the exit code."""
    with explained():
        env = read_environment()
        port = env.whole_number("PORT", default=8000, maximum=MAXIMUM_PORT)
        try:
            lock = record(RUNNING, port)  # until this process ends
        except AlreadyRunning as error:
            return refuse(f"bin/dev already runs at http://localhost:{port}/ (process {error}). Use that one", port)
        if problem := problem_with(port):
            return refuse(problem, port)
        set_variables(port)
        for number in SIGNALS:
            signal.signal(number, interrupt)
        try:
            return prepare() or run(port, [*addresses(env, port)])
        except KeyboardInterrupt:  # while the database was prepared
            return 0
        finally:
            lock.close()


def refuse(problem: str, port: int) -> int:
    free = next((other for other in range(port + 1, MAXIMUM_PORT) if not problem_with(other)), 8000)
    print(f"{problem}, or choose another port: PORT={free} bin/dev", file=sys.stderr)
    return 1


def problem_with(port: int) -> str:
    """Return why the port can't be used, with what to do, or an empty string."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return f"Port {port} is in use by another program. Stop it"
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError as error:
            return f"Port {port} can't be used: {error.strerror}. Let your user open it"
    return ""


def set_variables(port: int) -> None:
    """Set what the children and their settings need."""
    os.environ["PORT"] = str(port)
    # Python buffers output to a pipe, so the children's lines would arrive in blocks of 8 kB.
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ["DJANGO_RUNSERVER_HIDE_WARNING"] = "true"


def addresses(env: Env, port: int) -> Iterator[str]:
    """Yield the URLs that this configuration serves."""
    site = f"http://localhost:{port}"
    if env.bool("PAGES_ENABLED", default=True):
        yield f"{site}/            the site, where you can sign up"
    if env.bool("DEBUG", default=True):
        yield f"{site}/dev/inbox/  every email that was sent"
        yield f"{site}/dev/emails/ every email template, with sample data"
    yield f"{site}/api/docs/   the API"
    yield f"{site}/admin/      the admin (to create a user for it, run bin/manage createsuperuser)"


def prepare() -> int:
    """Check the settings, the database, and Redis, and migrate. Return the exit code."""
    command = [sys.executable, "-m", "myproject.development.preparation"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def announce(port: int, lines: Sequence[str]) -> None:
    """Print the URLs as soon as the server responds."""
    while True:
        with suppress(OSError):
            urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            print("\nThe project is running. Press Ctrl-C to stop it.", *lines, sep="\n    ", end="\n\n", flush=True)
            return
        time.sleep(POLL_SECONDS)


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run(port: int, lines: Sequence[str]) -> int:
    """Run until a process ends, and return its exit code. After Ctrl-C, return 0."""
    children: list[Child] = []
    watchdog = Watchdog()
    celery = ("-m", "celery", "-A", "myproject", "--quiet")
    print("Starting web, worker, and beat.", flush=True)
    try:
        children.append(Child("web", watchdog, "manage.py", "runserver", f"localhost:{port}"))
        children.append(Child("worker", watchdog, *celery, "worker", "--loglevel=INFO"))
        children.append(Child("beat", watchdog, *celery, "beat", "--loglevel=INFO"))
        threading.Thread(target=announce, args=[port, lines], daemon=True).start()
        return watch(children, watchdog)
    except KeyboardInterrupt:
        return 0
    finally:
        # A second Ctrl-C must not interrupt the stopping, or processes would keep running.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stop(children)
        watchdog.close()


def watch(children: Sequence[Child], watchdog: Watchdog) -> int:
    """Restart worker and beat when code changes. Return when a process ends, with its exit code."""
    _, *without_reloader = children  # only runserver reloads on its own
    seen = modification_times()
    waiting: set[Child] = set()  # ended with an error after a change, and start again with the next one
    while True:
        ended = [(child, code) for child in children if (code := child.process.poll()) is not None]
        for child, code in ended:
            if child.was_restarted and code > 0:
                if child not in waiting:
                    report(f"{child.name} ended with exit code {code}. It starts again when you change the code.")
                waiting.add(child)
                continue
            report(f"{child.name} ended with exit code {code}. Stopping the other processes.")
            return code if code >= 0 else 128 - code  # the shell's convention for processes that a signal killed
        if watchdog.process.poll() is not None:
            report("The watchdog ended. Stopping all processes.")
            return 1
        if (now := modification_times()) != seen:
            seen = now
            waiting.clear()
            stop(without_reloader)
            for child in without_reloader:
                child.restart()
        time.sleep(POLL_SECONDS)


def report(line: str) -> None:
    with suppress(OSError):  # the terminal is gone
        print(line, flush=True)


def modification_times() -> dict[Path, float]:
    times = {}
    for package in BASE_DIR.glob("*/__init__.py"):
        for path in package.parent.rglob("*.py"):
            with suppress(FileNotFoundError):  # an editor is replacing the file
                times[path] = path.stat().st_mtime
    return times


if __name__ == "__main__":
    sys.exit(main())
