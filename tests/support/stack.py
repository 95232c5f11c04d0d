"""The product as it runs in production: gunicorn, Celery workers, and beat as separate processes, on a PostgreSQL
database and a redis-server that are created for one test. Nothing is replaced.
"""

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import psycopg
import requests

ROOT = Path(__file__).resolve().parent.parent.parent
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432")
HUNG_AFTER = 180  # seconds; much longer than a busy machine needs, so that no test fails because it is slow


def free_port() -> int:
    """A port for a server that starts later. It lies below the range that the kernel uses for outgoing connections,
    so no parallel test can take it in the meantime."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port


def postgres_answers() -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(f"{POSTGRES}/postgres", connect_timeout=2):
        return True
    return False


def redis_is_installed() -> bool:
    return shutil.which("redis-server") is not None


@contextmanager
def temporary_database(template: str = "template1") -> Iterator[str]:
    """Create a PostgreSQL database, yield its name, and drop it afterward."""
    name = f"spine_{secrets.token_hex(6)}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield name
        finally:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class RedisServer:
    """A redis-server without persistence on its own port."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "RedisServer":
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        wait_until(lambda: self.command("PING") == b"+PONG", "redis-server answers")
        return self

    def command(self, *words: str) -> bytes:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
            line.sendall(" ".join(words).encode() + b"\r\n")
            return line.recv(1000).strip()
        return b""

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@cache
def collected_static_files() -> str:
    """Run collectstatic once per test process, and return its folder. Production doesn't start without."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    code = (
        "import sys, settings.base as s; s.STATIC_ROOT = sys.argv[1]; "
        "from django.core.management import call_command; import django; django.setup(); "
        "call_command('collectstatic', interactive=False, verbosity=0)"
    )
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "settings.base", "SECRET_KEY": "x"}
    subprocess.run([sys.executable, "-c", code, folder.name], cwd=ROOT, env=environment, check=True)
    return folder.name


@cache
def migrated_sqlite() -> Path:
    """Apply every migration to a SQLite file once per test process, and return its path. Tests work on copies."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    file = Path(folder.name) / "migrated.sqlite3"
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "settings.test",
        "DATABASE_URL": f"sqlite:///{file}",
    }
    command = [sys.executable, "manage.py", "migrate", "-v", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return file


class Stack:
    """web, worker, and beat under settings.production with one email provider. Use as a context manager."""

    def __init__(self, directory: Path, database: str, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.database_url = f"{POSTGRES}/{database}"
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "DJANGO_SETTINGS_MODULE": "tests.support.site_settings",
            "TEST_STATIC_ROOT": str(directory / "static"),
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": secrets.token_urlsafe(60),
            "ALLOWED_HOSTS": "127.0.0.1",
            "APP_URL": "https://app.example.com",
            "DEFAULT_FROM_EMAIL": "Acme <hello@acme.example>",
            "DATABASE_URL": self.database_url,
            "SECURE_SSL_REDIRECT": "false",
            "TRUSTED_PROXY_COUNT": "0",
            "THROTTLE_SIGNUP": "1000000/hour",
            "THROTTLE_LOGIN": "1000000/hour",
            "EMAIL_RATE_PER_SECOND": "0",
            **environment,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.kill(name)

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of the project; its output goes to ``name``.log in the test's directory."""
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        self.processes[name] = process
        return process

    def start_web(self, prefix: tuple[str, ...] = ()) -> None:
        self.environment["TEST_STATIC_ROOT"] = collected_static_files()
        bind = f"127.0.0.1:{self.port}"
        gunicorn = (
            sys.executable,
            "-m",
            "gunicorn",
            "myproject.wsgi",
            "--bind",
            bind,
            "--workers",
            "1",
            "--threads",
            "4",
        )
        self.start("web", *prefix, *gunicorn)
        wait_until(self.web_answers, "the web server answers")

    def web_answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(self.url("/healthz"), timeout=5).ok
        return False

    def start_worker(
        self, name: str = "worker", prefix: tuple[str, ...] = (), options: tuple[str, ...] = (), *, wait: bool = True
    ) -> None:
        node = ("-n", f"{name}@%h", "--without-gossip", "--without-mingle", *options)
        self.start(name, *prefix, sys.executable, "-m", "celery", "-A", "myproject", "worker", "-l", "INFO", *node)
        if wait:
            wait_until(lambda: "ready." in self.log(name), f"{name} is ready")

    def start_beat(self, prefix: tuple[str, ...] = ()) -> None:
        schedule = str(self.directory / "beat-schedule")
        self.start("beat", *prefix, sys.executable, "-m", "celery", "-A", "myproject", "beat", "-s", schedule)

    def kill(self, name: str) -> None:
        """Kill a process with SIGKILL."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=HUNG_AFTER
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def queue(self, count: int, address: str = "person-{}@example.com") -> None:
        """Queue ``count`` messages to different people with Django's ``send_mail``, each in its own transaction."""
        self.manage(
            "shell",
            "-v",
            "0",
            "-c",
            "from django.core.mail import send_mail\n"
            f"for n in range({count}): send_mail('Hello', 'Hello there.', None, [{address!r}.format(n)])",
        )

    def signup(self, email: str) -> requests.Response:
        body = {"email": email, "name": "Ada", "password": "correct horse battery"}
        return requests.post(self.url("/api/accounts/signup/"), json=body, timeout=HUNG_AFTER)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(sql).fetchall()

    def statuses(self) -> dict[str, int]:
        return dict(self.query("SELECT status, count(*) FROM emails_outboundemail GROUP BY status"))

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")


def wait_until(holds: Callable[[], bool], what: str) -> float:
    """Poll until ``holds()`` is true, and return the seconds it took. If the test hangs, fail and name ``what``."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < HUNG_AFTER, f"{what}: not within {HUNG_AFTER} s"
        time.sleep(0.05)
    return time.monotonic() - started
