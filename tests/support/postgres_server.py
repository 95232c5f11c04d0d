"""A PostgreSQL server of its own, which a test may crash."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.support.stack import free_port, wait_until

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
BINARIES = FOLDERS[-1] if FOLDERS else None
SETTINGS = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 40\n"


def missing() -> str:
    """Return what prevents a server on this machine, or an empty string."""
    if BINARIES is None:
        return "needs PostgreSQL's programs in /usr/lib/postgresql/: apt install postgresql"
    if os.geteuid() == 0 and not shutil.which("runuser"):
        return "needs runuser, because PostgreSQL doesn't run as root"
    return ""


class PostgresServer:
    """Use as a context manager. ``directory`` must be reachable for the user postgres if this process is root."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "data"
        self.log = directory / "postgres.log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self.prefix = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        if self.prefix:
            shutil.chown(directory, "postgres")

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> "PostgresServer":
        command = [f"{BINARIES}/initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run([*self.prefix, *command], check=True, capture_output=True)
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"{SETTINGS}port = {self.port}\n")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.crash(signal.SIGQUIT)

    def start(self) -> None:
        # Without runuser, which would stay in between: signals must reach the server itself.
        user = "postgres" if self.prefix else None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [f"{BINARIES}/postgres", "-D", str(self.data)], stdout=log, stderr=log, user=user, cwd="/"
            )
        wait_until(self.answers, "PostgreSQL answers")

    def answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def crash(self, how: signal.Signals) -> None:
        """End the server without a shutdown: SIGKILL ends its main process, and SIGQUIT all processes."""
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait()
        self.process = None
        wait_until(lambda: not self.has_children(), "all processes of PostgreSQL have ended")

    def has_children(self) -> bool:
        """Return whether a process of the server is left. They end when they notice that the main process has."""
        return str(self.data) in map(working_directory, Path("/proc").glob("[0-9]*"))


def working_directory(process: Path) -> str:
    with suppress(OSError):
        return os.readlink(process / "cwd")
    return ""
