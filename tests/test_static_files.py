"""Production without collectstatic: no start, instead of an error on every page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import HUNG_AFTER, ROOT, collected_static_files
from tests.test_environment import PRODUCTION

GUNICORN = ["-m", "gunicorn", "myproject.wsgi", "--bind", "127.0.0.1:0"]
SERVERS = {"gunicorn": GUNICORN, "ASGI": ["-c", "import myproject.asgi"]}


def run(static_root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        **PRODUCTION,
        "DJANGO_SETTINGS_MODULE": "tests.support.site_settings",
        "DATABASE_URL": f"sqlite:///{static_root}.sqlite3",
        "TEST_STATIC_ROOT": str(static_root),
    }
    command = (sys.executable, *command)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HUNG_AFTER)


@pytest.mark.parametrize("server", SERVERS)
def test_server_does_not_start_without_collected_files(tmp_path, server):
    done = run(tmp_path / "static", *SERVERS[server])
    assert done.returncode != 0
    assert "Run python manage.py collectstatic --no-input" in done.stderr


def test_server_does_not_start_with_files_of_an_older_version(tmp_path):
    manifest = json.loads((Path(collected_static_files()) / "staticfiles.json").read_text())
    del manifest["paths"]["site.css"]
    (tmp_path / "static").mkdir()
    (tmp_path / "static/staticfiles.json").write_text(json.dumps(manifest))
    done = run(tmp_path / "static", *GUNICORN)
    assert done.returncode != 0
    assert "(site.css)" in done.stderr


def test_collected_files_are_enough():
    assert run(Path(collected_static_files()), "-c", "import myproject.wsgi, myproject.asgi").stderr == ""


@pytest.mark.parametrize(
    "command", [["check"], ["check", "--deploy"], ["collectstatic", "--no-input", "--dry-run", "-v0"]]
)
def test_commands_run_without_collected_files(tmp_path, command):
    assert run(tmp_path / "static", "manage.py", *command).returncode == 0
