"""Every code block of the documentation works as printed, or says why it isn't run.

A block in the language sh runs in a fresh clone while bin/dev serves it. A dotenv block becomes the .env of a clone.
Any other block, and each that can't run here, needs <!-- not run: the reason --> next to it.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.support.clone import clone_into
from tests.support.documentation import PAGES, blocks
from tests.support.stack import HUNG_AFTER, ROOT, free_port, wait_until
from tests.test_bin_dev import running
from tests.test_environment import PRODUCTION, example

pytestmark = pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a virtual environment to share")

BLOCKS = blocks()
SHELL = [block for block in BLOCKS if block.language in ("sh", "bash", "shell", "console") and not block.reason]
DOTENV = [block for block in BLOCKS if block.language == "dotenv"]
SERVERS = ("gunicorn ", "celery ")


def clone_with_environment(folder: Path) -> Path:
    """A clone after bin/dev: its .venv is there. It links to the one that runs the tests."""
    clone = clone_into(folder / "clone")
    (clone / ".venv").symlink_to(sys.prefix)
    return clone


def new_terminal(clone: Path, **variables: str) -> dict[str, str]:
    """The environment of a terminal in which no virtual environment is active."""
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.startswith(sys.prefix)]
    return {"PATH": os.pathsep.join(folders), "HOME": str(clone.parent), "LC_ALL": "C.UTF-8", **variables}


def run(clone: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-euc", script]
    environment = new_terminal(clone, **variables)
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=HUNG_AFTER)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    clone = clone_with_environment(tmp_path_factory.mktemp("documentation"))
    with running(clone, free_port()) as development:
        development.wait_for("The project is running.")
        yield clone, development


def test_every_block_is_run_or_marked():
    unmarked = [
        f"{block}: {block.language or 'no language'}"
        for block in BLOCKS
        if block not in SHELL and block not in DOTENV and not block.reason
    ]
    assert unmarked == []
    assert len(SHELL) >= 4
    assert len(DOTENV) >= 2


@pytest.mark.parametrize("block", [block for block in SHELL if not block.is_for_production], ids=str)
def test_commands_run_as_printed(project, block):
    clone, development = project
    # A newcomer's bin/dev has the port 8000, which another test or program may have here.
    done = run(clone, block.text.replace("localhost:8000", development.url.removeprefix("http://")))
    assert done.returncode == 0, f"{block}\n{block.text}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("block", DOTENV, ids=str)
def test_variables_are_accepted_as_printed(block, tmp_path):
    clone = clone_with_environment(tmp_path)
    is_for_server = "APP_URL=https" in block.text
    # An ellipsis stands for a part that each owner has to fill in.
    (clone / ".env").write_text(block.text if is_for_server else block.text.replace("…", "2vKq8sTn4Lm9Xw"))
    assert set(re.findall(r"^(\w+)=", block.text, re.MULTILINE)) <= example().keys()
    settings = "settings.production" if is_for_server else "settings.development"
    done = run(clone, "python3 manage.py check", DJANGO_SETTINGS_MODULE=settings)
    if is_for_server:  # the values that are left to fill in are named, and nothing else is wrong
        assert "SECRET_KEY still contains a placeholder" in done.stderr
        assert "has an invalid value" not in done.stderr
    else:
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("block", [block for block in SHELL if block.is_for_production], ids=str)
def test_production_starts_as_printed(block, tmp_path):
    """The commands that end are run in order. Those that don't must get as far as accepting work."""
    clone = clone_with_environment(tmp_path)
    port = free_port()
    (clone / ".env").write_text("".join(f"{name}={value}\n" for name, value in PRODUCTION.items()))
    variables = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "CELERY_BROKER_URL": "memory://",
        "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{port}",
    }
    lines = block.text.splitlines()
    first = "\n".join(line for line in lines if not line.startswith(SERVERS))
    done = run(clone, first, **variables)
    assert done.returncode == 0, done.stderr
    servers = [line for line in lines if line.startswith(SERVERS)]
    assert len(servers) == 3
    prefix = "\n".join(line for line in lines if line.startswith((". ", "export ")))
    is_ready = [lambda: answers(port), (clone / "var/worker-heartbeat").exists, lambda: has_schedule(clone)]
    for server, holds in zip(servers, is_ready, strict=True):
        command = ["sh", "-euc", f"{prefix}\nexec {server}"]
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=clone, env=new_terminal(clone, **variables), stdout=log, stderr=log)
        try:
            wait_until(lambda: process.poll() is not None or holds(), server)  # noqa: B023
            assert process.poll() is None, (tmp_path / "log").read_text()
        finally:
            process.terminate()
            process.wait(HUNG_AFTER)


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=HUNG_AFTER).ok
    except requests.ConnectionError:
        return False


def has_schedule(clone: Path) -> bool:
    return any((clone / "var").glob("celerybeat-schedule*"))


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "python"], ids=str)
def test_python_examples_are_valid(block):
    ast.parse(block.text.replace("…", "..."))


def test_commands_in_the_text_exist():
    """Also those outside of blocks: each file in bin/, and each command of manage.py."""
    text = "\n".join(page.read_text() for page in PAGES)
    files = set(re.findall(r"(?<![\w/.])(bin/[a-z][a-z-]*)", text)) - {"bin/activate", "bin/python"}
    assert [name for name in sorted(files) if not os.access(ROOT / name, os.X_OK)] == []
    help_text = subprocess.check_output([sys.executable, "manage.py", "help", "--commands"], cwd=ROOT, text=True)
    commands = set(re.findall(r"(?:manage\.py|bin/manage) ([a-z_]{3,})", text))
    assert commands - set(help_text.split()) - {"with"} == set()
    assert len(commands) > 5
