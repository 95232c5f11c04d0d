"""docs/adding-an-email.md, followed in a copy of the project: its commands work, and all tests of a new kind pass."""

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.support.clone import clone_into
from tests.support.stack import ROOT

PAGE = ROOT / "docs" / "adding-an-email.md"
# What checks every kind, apart from what the page runs itself.
CHECKS = [
    "billing/tests/test_project_billed_email.py",
    "emails/tests/test_missing_variables.py",
    "emails/tests/test_templates.py",
    "tests/test_wording.py",
]
OPENED = """
from django.conf import settings
from django.test import Client, override_settings
with override_settings(ALLOWED_HOSTS=["localhost"]):
    page = Client(HTTP_HOST="localhost").get("/dev/emails/project_shared/html/?language=de")
print(page.status_code, "Worum es geht: Project shared" in page.content.decode())
from emails.models import OutboundEmail
print([email.subject for email in OutboundEmail.objects.filter(kind="project_shared")])
"""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path) -> Run:
    """Provide a function that runs a command line in a copy of the project, and returns its output."""
    clone = clone_into(tmp_path)
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"VENV": sys.prefix, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"}

    def run(line: str) -> str:
        done = subprocess.run(["sh", "-euc", line], cwd=clone, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    return run


def commands() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_every_command_of_the_page_works(run):
    create, *others = commands()
    assert "send_project_shared_email()" in run(create)
    run("bin/manage new_email project_billed --app billing")
    run("bin/manage migrate -v0")
    outputs = [run(command) for command in others]
    assert re.search(r"\d+ passed", outputs[-1])
    assert "failed" not in outputs[-1]
    opened = run(f"bin/manage shell -v0 -c '{OPENED}'").splitlines()
    assert opened[-2:] == ["200 True", "['Project shared: news from myproject']"]
    run(f"bin/test {' '.join(CHECKS)} -k 'project or texts or salutation'")
    run("bin/manage check")
    run('"$VENV/bin/ruff" check accounts billing && "$VENV/bin/ruff" format --check accounts billing')


def test_page_names_only_files_that_exist():
    paths = re.findall(r"`((?:templates|docs|bin|emails|tests|locale)/[\w./-]+)`", PAGE.read_text("utf-8"))
    assert len(paths) > 5
    assert [path for path in paths if "project_shared" not in path and not (ROOT / path).exists()] == []
