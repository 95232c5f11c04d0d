"""A fresh clone and one command: bin/dev, then a sign-up, then its email in the development inbox."""

import os
import signal
import socket
import subprocess
import sys
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

    def __init__(self, clone: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = clone.parent / "log"
        environment = {"PATH": os.environ["PATH"], "HOME": str(clone.parent), "VENV": sys.prefix, "PORT": str(port)}
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

    def messages(self):
        try:
            return requests.get(f"{self.url}/dev/inbox.json", timeout=HUNG_AFTER).json()["messages"]
        except requests.ConnectionError:
            pytest.fail(f"The server is gone:\n{self.output()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(HUNG_AFTER)


@contextmanager
def running(clone: Path, port: int):
    development = Development(clone, port)
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
        assert development.stop() == 0, development.output()


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


def test_port_in_use_is_named(clone):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with running(clone, port) as development:
            assert development.process.wait(HUNG_AFTER) == 1
            assert f"Port {port} is in use by another program." in development.output()
