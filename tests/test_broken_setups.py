"""Whatever is broken on a newcomer's machine: one to three lines that say what to do, status 1, and no traceback."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clone import clone_into
from tests.support.stack import HUNG_AFTER, POSTGRES, free_port, postgres_answers
from tests.test_environment import PRODUCTION

pytestmark = pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a virtual environment to share")

MANAGE = ["python3", "manage.py", "check"]
MIGRATE = ["python3", "manage.py", "migrate", "-v0"]
GUNICORN = [sys.executable, "-m", "gunicorn", "myproject.wsgi"]
WORKER = [sys.executable, "-m", "celery", "-A", "myproject", "worker"]
BIN_DEV = ["bin/dev"]
# What is running is no error: progress, the greeting of gunicorn, and that something is created again.
PROGRESS = re.compile(
    r" +[0-9]+ s: .*|Installing .*|Creating .*|Migrating .*|.*\[INFO\] Starting gunicorn.*|.* created again\.|"
)
SECRET = "Xk29vQpL0zWm"
# Programs that bin/setup needs, for a PATH without any Python.
TOOLS = ["sh", "dirname", "grep", "cmp", "cp", "find", "wc", "sleep", "id", "tail", "sed", "env", "rm"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    return clone_into(tmp_path_factory.mktemp("broken") / "clone")


@pytest.fixture(autouse=True)
def fresh(clone):
    """Start each test with a clone that was never used."""
    yield
    for name in (".env", "var", ".venv"):
        path = clone / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def run(clone, command, **variables):
    environment = {"PATH": os.environ["PATH"], "HOME": str(clone.parent), "VENV": sys.prefix, "LC_ALL": "C.UTF-8"}
    environment |= {"PORT": str(free_port())} if command == BIN_DEV else {}
    environment |= {name: str(value) for name, value in variables.items()}
    return subprocess.run(
        command, cwd=clone, env=environment, capture_output=True, text=True, errors="replace", timeout=HUNG_AFTER
    )


def assert_says(done, *words):
    output = done.stdout + done.stderr
    lines = [line for line in output.splitlines() if not PROGRESS.fullmatch(line)]
    assert done.returncode == 1, output
    assert "Traceback" not in output
    assert 1 <= len(lines) <= 3, output
    assert [word for word in words if word not in output] == [], output
    assert SECRET not in output


DOTENV = {
    "misspelled": (b"\nEMAIL_PROVIDR=resend\n", ["EMAIL_PROVIDR in .env, line 2", "Did you mean EMAIL_PROVIDER?"]),
    "lowercase": (b"email_provider=resend\n", ["email_provider in .env, line 1", "Did you mean EMAIL_PROVIDER?"]),
    "no equals sign": (f"# 1\nSTRIPE_SECRET_KEY {SECRET}\n".encode(), [".env, line 2: STRIPE_SECRET_KEY is not"]),
    "no variable": (f"-----BEGIN {SECRET}-----\n".encode(), [".env, line 1", "NAME=value"]),
    "not UTF-8": ("BRAND_NAME=A\nBRAND_ADDRESS=Köln\n".encode("latin-1"), [".env, line 2", "UTF-8"]),
    "UTF-16": ("BRAND_NAME=A\n".encode("utf-16"), [".env", "UTF-8"]),
    "choice": (b"EMAIL_PROVIDER=mailgun\n", ["EMAIL_PROVIDER=mailgun in .env, line 1", "one of console, smtp"]),
    "database": (b"# mine\nDATABASE_URL=foo://\n", ["DATABASE_URL=foo:// in .env, line 2", "postgres://user"]),
    "sender": (b"DEFAULT_FROM_EMAIL=Acme\n", ["DEFAULT_FROM_EMAIL=Acme in .env, line 1", "an email address"]),
    "comment": (b"DEBUG=true  # for now\n", ["DEBUG=true  # for now in .env", "true or false", "line of its own"]),
    "rate": (b"THROTTLE_LOGIN=20 per hour\n", ["THROTTLE_LOGIN=20 per hour in .env, line 1", "such as 20/hour"]),
    "days": (b"SESSION_DAYS=two\n", ["SESSION_DAYS=two in .env, line 1", "a whole number of at least 1"]),
    "list": (b"ALLOWED_HOSTS=http://a.example\n", ["ALLOWED_HOSTS=http://a.example in .env, line 1", "host names"]),
    "origin": (b"CORS_ALLOWED_ORIGINS=localhost:3000\n", ["CORS_ALLOWED_ORIGINS=localhost:3000 in .env", "origins"]),
    "Redis": (b"REDIS_URL=redis://localhost:many/0\n", ["REDIS_URL=redis://localhost:many/0 in .env", "redis://host"]),
    "broker": (b"CELERY_BROKER_URL=localhost\n", ["CELERY_BROKER_URL=localhost in .env", "the URL of a broker"]),
    "port": (b"PORT=99999\n", ["PORT=99999 in .env, line 1", "at most 65535"]),
    "password": (f"DATABASE_URL=mysql://u:{SECRET}@db/acme\n".encode(), ["DATABASE_URL=mysql://… in .env, line 1"]),
    "password with #": (f"DATABASE_URL=postgres://u:a#{SECRET}@db/acme".encode(), ["percent-encoded"]),
    "secret": (f"RESEND_WEBHOOK_SECRETS={SECRET},,\n".encode(), ["RESEND_WEBHOOK_SECRETS in .env, line 1"]),
    "key in the wrong place": (f"EMAIL_PROVIDER=re_{SECRET}\n".encode(), ["EMAIL_PROVIDER in .env, line 1"]),
}  # fmt: skip


@pytest.mark.parametrize("case", DOTENV)
def test_broken_dotenv_is_named_with_its_line(clone, case):
    content, words = DOTENV[case]
    (clone / ".env").write_bytes(content)
    assert_says(run(clone, MANAGE), *words)


def test_dotenv_that_is_a_folder_is_named(clone):
    (clone / ".env").mkdir()
    assert_says(run(clone, BIN_DEV), ".env is a folder")


@pytest.mark.parametrize("command", [BIN_DEV, MANAGE, GUNICORN, WORKER], ids=lambda command: command[-1])
def test_every_process_says_the_same(clone, command):
    production = PRODUCTION | {"DJANGO_SETTINGS_MODULE": "settings.production"} if command in (GUNICORN, WORKER) else {}
    wrong = {**production, "EMAIL_LEASE_SECONDS": "1m"}
    assert_says(run(clone, command, **wrong), "EMAIL_LEASE_SECONDS=1m in the environment", "a whole number")
    misspelled = {**production, "EMAIL_FALBACK_PROVIDER": "sendgrid"}
    assert_says(run(clone, command, **misspelled), "EMAIL_FALBACK_PROVIDER", "Did you mean EMAIL_FALLBACK_PROVIDER?")


def test_names_of_other_programs_are_no_misspellings(clone):
    others = ["API_URL", "S3_SECRET_KEY", "DJANGO_SECRET_KEY", "DATABASE_URL_UNPOOLED", "REDIS_TLS_URL", "REDIS_PORT"]
    others += ["STRIPE_PUBLISHABLE_KEY", "NEXT_PUBLIC_APP_URL", "EMAIL_HOST", "POSTGRES_USER", "SECRET_KEY_FALLBACKS"]
    assert run(clone, MANAGE, **dict.fromkeys(others, "x")).returncode == 0
    (clone / ".env").write_text("".join(f"{name}=x\n" for name in others))
    assert run(clone, MANAGE).returncode == 0


DATABASES = {
    "down": ("postgres://u:{secret}@127.0.0.1:1/acme", ["DATABASE_URL", "Start PostgreSQL"]),
    "unknown host": ("postgres://u:{secret}@db.invalid/acme", ["DATABASE_URL", "Check the host"]),
    "missing folder": ("sqlite:////nonexistent/{secret}/db.sqlite3", ["DATABASE_URL", "folder must exist"]),
    "no database": ("sqlite:///{clone}/manage.py", ["DATABASE_URL", "file is not a database"]),
}


@pytest.mark.parametrize("case", DATABASES)
def test_unusable_database_is_explained(clone, case):
    url, words = DATABASES[case]
    url = url.format(secret=SECRET, clone=clone)
    assert_says(run(clone, MIGRATE, DATABASE_URL=url), *words)
    assert_says(run(clone, BIN_DEV, DATABASE_URL=url), *words)


@pytest.mark.skipif(not postgres_answers(), reason="needs PostgreSQL on 127.0.0.1:5432 or TEST_POSTGRES_URL")
def test_postgres_that_refuses_is_explained(clone):
    assert_says(run(clone, MIGRATE, DATABASE_URL=f"{POSTGRES}/no_such_database"), "DATABASE_URL", "createdb")
    stranger = re.sub(r"//[^@]*@", f"//nobody_here:{SECRET}@", POSTGRES)
    assert_says(run(clone, MIGRATE, DATABASE_URL=f"{stranger}/postgres"), "DATABASE_URL", "user")


def test_redis_that_does_not_respond_is_explained(clone):
    url = f"redis://:{SECRET}@127.0.0.1:1/0"
    assert_says(run(clone, BIN_DEV, REDIS_URL=url), "REDIS_URL (in the environment)", "bin/dev needs no Redis")
    assert run(clone, MANAGE, REDIS_URL=url).returncode == 0  # it needs no Redis


def test_database_without_tables_or_from_the_future_is_explained(clone):
    command = ["python3", "manage.py", "createsuperuser", "--no-input", "--email", "ada@example.com"]
    done = run(clone, command)
    assert done.returncode == 1
    assert "Run bin/manage migrate" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(clone, MIGRATE).returncode == 0
    record = "from django.db.migrations.recorder import MigrationRecorder as R; from django.db import connection\n"
    shell = [
        "python3",
        "manage.py",
        "shell",
        "-v0",
        "-c",
        record + "R(connection).record_applied('billing', '9999_new')",
    ]
    assert run(clone, shell).returncode == 0
    assert_says(run(clone, BIN_DEV), "the database is newer than this code", "billing.9999_new", "var/db.sqlite3")


def test_file_in_the_place_of_a_folder_is_named(clone):
    (clone / "var").write_text("")
    assert_says(run(clone, MANAGE), str(clone / "var"), "A file is where a folder must be")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root can make a small disk")
def test_full_or_read_only_disk_is_named(clone):
    (clone / "var").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", clone / "var"]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        assert_says(run(clone, MIGRATE), "Free some space")
        subprocess.run(["mount", "-o", "remount,ro", clone / "var"], check=True)
        assert_says(run(clone, BIN_DEV), "Read-only file system", "mount it writable")
    finally:
        subprocess.run(["umount", clone / "var"], check=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions don't stop root")
def test_missing_permissions_are_named(clone):
    (clone / ".env").touch(0o000)
    assert_says(run(clone, MANAGE), ".env can't be read: Permission denied")
    (clone / ".env").unlink()
    (clone / "var").mkdir(0o555)
    assert_says(run(clone, BIN_DEV), "var", "Permission denied")


# The installation


@pytest.fixture
def tools(tmp_path):
    """A folder for PATH with the programs that bin/setup needs, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def add_python(tools, *, lines=()):
    """A python3 that behaves differently in some cases, and is otherwise the one that runs the tests."""
    real = Path(sys.base_prefix) / "bin/python3"
    (tools / "python3").write_text("\n".join(["#!/bin/sh", *lines, f'exec {real} "$@"\n']))
    (tools / "python3").chmod(0o755)


def test_python_that_is_too_old_is_named(clone, tools):
    add_python(tools, lines=['[ "$1" != --version ] || { echo Python 3.9.2; exit; }', "exit 1"])
    assert_says(run(clone, BIN_DEV, PATH=tools, VENV=".venv"), "Python 3.11 or newer", "3.9.2", "python.org")
    (tools / "python3").unlink()
    assert_says(run(clone, BIN_DEV, PATH=tools, VENV=".venv"), "Python 3.11 or newer", "no Python")


def test_python_without_venv_is_explained(clone, tools):
    add_python(tools, lines=['case "$2" in *ensurepip*) exit 1 ;; esac'])
    assert_says(run(clone, BIN_DEV, PATH=tools, VENV=".venv"), "sudo apt install python3.")


def test_missing_network_is_explained(clone, tools):
    add_python(tools)
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
    done = run(clone, BIN_DEV, PATH=tools, VENV=".venv", **offline)
    assert_says(done, "can't be downloaded", "network connection", ".venv/requirements.txt.log")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("[Errno 13] Permission denied", "not writable"),
    ],
)
def test_failure_of_the_installer_is_explained(clone, tools, message, words):
    """The installer is a script that fails like pip, because a full disk can't be made here."""
    add_python(tools)
    (clone / ".venv/bin").mkdir(parents=True)
    python = clone / ".venv/bin/python"
    python.write_text(
        f'#!/bin/sh\n[ "$3" != install ] || {{ echo "ERROR: {message}"; exit 1; }}\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    assert_says(run(clone, BIN_DEV, PATH=tools, VENV=".venv"), words)


def test_environment_that_was_moved_or_is_broken_is_created_again(clone, tools):
    add_python(tools, lines=['[ "$2" != venv ] || { echo "not today"; exit 1; }'])
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone.parent / "elsewhere"], check=True)
    shutil.move(clone.parent / "elsewhere", clone / ".venv")
    done = run(clone, ["bin/setup"], PATH=tools, VENV=".venv")
    assert_says(done, ".venv can't be created. not today")
    assert ".venv was moved or copied here" in done.stderr
    shutil.rmtree(clone / ".venv")
    (clone / ".venv").mkdir()
    assert ".venv doesn't work anymore" in run(clone, ["bin/setup"], PATH=tools, VENV=".venv").stderr


def test_any_python_finds_the_virtual_environment_or_names_it(clone):
    system = [str(Path(sys.base_prefix) / "bin/python3"), "manage.py", "check"]
    if subprocess.run([system[0], "-c", "import django"], stderr=subprocess.DEVNULL).returncode == 0:
        pytest.skip("the Python outside of the virtual environment has Django")
    assert_says(run(clone, system, VENV=".venv"), "has no Django", ".venv", "bin/dev")
    assert run(clone, system, VENV=sys.prefix).returncode == 0
    (clone / ".venv").symlink_to(sys.prefix)
    assert run(clone, system, VENV="").returncode == 0
