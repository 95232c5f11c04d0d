"""A fresh clone and one command: bin/dev, then a sign-up, then its email in the development inbox.

However bin/dev ends, nothing that it started keeps running.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.clone import clone_into
from tests.support.stack import HUNG_AFTER, free_port, wait_until

pytestmark = pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a virtual environment to share")
ADA = {"email": "ada@example.com", "name": "Ada", "password": "correct horse battery"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    return clone_into(tmp_path_factory.mktemp("clone") / "my project")


class Development:
    """bin/dev of a clone, started from another directory with the environment of a new terminal."""

    def __init__(self, clone: Path, port: int, **variables: str) -> None:
        self.clone = clone
        self.url = f"http://127.0.0.1:{port}"
        self.log = clone.parent / f"log of {time.monotonic_ns()}"
        environment = {"PATH": os.environ["PATH"], "HOME": str(clone.parent), "VENV": sys.prefix, "PORT": str(port)}
        environment |= variables
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([clone / "bin/dev"], cwd="/", env=environment, stdout=log, stderr=log)

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self.output() or self.process.poll() is not None, words)
        assert words in self.output(), self.output()

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def child(self, command: str) -> int:
        """The process id of a process that bin/dev started."""
        return int(subprocess.check_output(["pgrep", "-P", str(self.process.pid), "-f", command], text=True))

    def descendants(self) -> set[int]:
        """The process ids of everything that bin/dev started, also of runserver's second process."""
        found: set[int] = set()
        new = {self.process.pid}
        while new:
            parents = ",".join(map(str, new))
            done = subprocess.run(["pgrep", "-P", parents], capture_output=True, text=True)
            new = set(map(int, done.stdout.split())) - found
            found |= new
        return found

    def manage(self, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        """Run manage.py as in a second terminal, which knows nothing about the port."""
        environment = {"PATH": os.environ["PATH"], "VENV": sys.prefix}
        command = [python, "manage.py", *arguments]
        return subprocess.run(command, cwd=self.clone, env=environment, capture_output=True, text=True)

    def messages(self):
        try:
            return requests.get(f"{self.url}/dev/inbox.json", timeout=HUNG_AFTER).json()["messages"]
        except requests.ConnectionError:
            pytest.fail(f"The server is gone:\n{self.output()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(HUNG_AFTER)


@contextmanager
def running(clone: Path, port: int, **variables: str):
    development = Development(clone, port, **variables)
    try:
        yield development
    finally:
        if development.process.poll() is None:
            development.stop()


def test_signup_shows_its_email(clone):
    port = free_port()
    with running(clone, port) as development:
        development.wait_for("The project is running.")
        assert f"http://localhost:{port}/dev/inbox/" in development.output()
        with pytest.raises(ConnectionRefusedError):  # a server that listens on all addresses would accept this one
            socket.create_connection(("127.0.0.2", port))
        assert requests.post(f"{development.url}/api/accounts/signup/", json=ADA, timeout=HUNG_AFTER).status_code == 201
        wait_until(lambda: bool(development.messages()), "the mail is visible")
        assert f"http://localhost:{port}/verify-email?token=" in str(development.messages()[0]["text"])
        wait_until(lambda: development.messages()[0]["status"] == "sent", "the worker sent it")
        assert 'href="/dev/inbox/"' in requests.get(f"{development.url}/welcome", timeout=HUNG_AFTER).text
        link = f"http://localhost:{port}/dev/inbox/{development.messages()[0]['id']}/"
        development.wait_for(f"worker | welcome to ada@example.com: sent (console) {link}")
        assert "Content-Type" not in development.output()  # the raw email would hide everything else
        assert "127.0.0.1" not in development.output()  # one host everywhere, or cookies don't match
        paid = development.manage("stripe_event", "invoice.paid", python=system_python())
        assert paid.returncode == 0, paid.stderr
        assert f"http://localhost:{port}/dev/inbox/" in paid.stdout
        assert development.stop() == 0, development.output()


def system_python() -> str:
    """A Python outside of the virtual environment, which has no Django."""
    return str(Path(sys.base_prefix) / "bin/python3")


def test_second_start_works_and_one_death_ends_all_processes(clone):
    with running(clone, free_port()) as development:
        development.wait_for("The project is running.")
        children = [development.child(command) for command in ("runserver", "worker", "beat")]
        os.kill(children[1], signal.SIGKILL)
        assert development.process.wait(HUNG_AFTER) == 128 + signal.SIGKILL
        assert "worker ended with exit code -9" in development.output()
        for child in children:
            with pytest.raises(ProcessLookupError):
                os.kill(child, 0)


def is_gone(pid: int) -> bool:
    """Whether the process has ended. Where nothing collects orphans, it stays as a zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return not state.strip() or state.startswith("Z")


@pytest.mark.parametrize("victim", ["bin/dev", "watchdog"])
def test_kill_leaves_nothing_running(clone, victim):
    with running(clone, free_port()) as development:
        development.wait_for("The project is running.")
        started = development.descendants()
        assert len(started) >= 5  # watchdog, web, its reloader's child, worker, beat
        os.kill(development.process.pid if victim == "bin/dev" else development.child("watchdog"), signal.SIGKILL)
        development.process.wait(HUNG_AFTER)
        wait_until(lambda: all(map(is_gone, started)), "every process has ended")


def test_second_bin_dev_names_the_first(clone):
    port = free_port()
    with running(clone, port, DEBUG="false") as first:
        first.wait_for("The project is running.")
        assert "/admin/" in first.output()
        assert "/dev/" not in first.output()  # these routes don't exist without DEBUG
        with running(clone, port) as second:
            assert second.process.wait(HUNG_AFTER) == 1
            [line] = second.output().strip().splitlines()
            assert f"bin/dev already runs at http://localhost:{port}/ (process {first.process.pid})" in line


@pytest.mark.slow
def test_syntax_error_ends_nothing(clone):
    module = clone / "emails/tasks.py"
    with running(clone, free_port()) as development:
        development.wait_for("The project is running.")
        code = module.read_text()
        module.write_text(code + "\ndef broken(:\n")
        development.wait_for("It starts again when you change the code.")
        module.write_text(code)
        wait_until(lambda: development.output().count("ready.") >= 2, "the worker runs again")
        assert development.process.poll() is None


def test_port_in_use_is_named(clone):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with running(clone, port) as development:
            assert development.process.wait(HUNG_AFTER) == 1
            assert f"Port {port} is in use by another program." in development.output()
