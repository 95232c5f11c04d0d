"""manage.py doctor as a process of its own: with settings that refuse, services that hang, and all in order."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from operations.tests.test_doctor import Responder
from tests.support.clone import clone_into
from tests.support.stack import (
    HUNG_AFTER,
    POSTGRES,
    ROOT,
    RedisServer,
    collected_static_files,
    postgres_answers,
    redis_is_installed,
    temporary_database,
)
from tests.test_environment import PRODUCTION

SECRETS = {
    "SECRET_KEY": "kJ3v9-qTz7_Lm2XwR5bYc8NfHd4GsPa6UeVi1ZoKrMtQjBxWnCyEuFhSgDl",
    "METRICS_TOKEN": "Zq8vW2nR5tY7uI9oP1aS3dF6gH4jK0lX",
    "RESEND_API_KEY": "re_2vKq8sTn_4Lm9XwVr7BcDfGhJ",
    "RESEND_WEBHOOK_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "STRIPE_SECRET_KEY": "rk_live_51Hq8sTnQpLmXcVbZaSdF",
    "STRIPE_WEBHOOK_SECRETS": "whsec_7tGbYhNujMikOlPqAzWsXeDc,whsec_9pLoKiJuHyGtFrDeSwAqZxCv",
    "SENDGRID_API_KEY": "SG.Vq3kT0aZ9fYw2Rb.8sTnXcVbNm4QwErTy",
}
PASSWORD = "Xk29vQpL0zWm"
VALID = PRODUCTION | {"APP_URL": "https://app.acme.com", "ALLOWED_HOSTS": "app.acme.com", **SECRETS}


def doctor(*options, folder=ROOT, variables):
    environment = {"PATH": os.environ["PATH"], "VENV": sys.prefix, "DJANGO_SETTINGS_MODULE": "settings.production"}
    command = [sys.executable, "manage.py", "doctor", *options]
    return subprocess.run(
        command, cwd=folder, env=environment | variables, capture_output=True, timeout=HUNG_AFTER, check=False
    )


def assert_named(done, *lines):
    """Each problem has a line of its own with these words and with advice, and nothing else is an error."""
    output = (done.stdout + done.stderr).decode()
    errors = [line for line in output.splitlines() if line.startswith("  error ")]
    assert done.returncode == 1, output
    assert "Traceback" not in output
    assert len(errors) == len(lines), output
    for error, words in zip(errors, lines, strict=True):
        assert [word for word in words if word not in error] == [], error
        assert re.search(r"[.)/\]\"] [A-Z][a-z]+ [\w ]", error), "it says what to do"
    assert_no_secret(output)


def assert_no_secret(output):
    assert PASSWORD not in output
    for value in SECRETS.values():
        for secret in value.split(","):
            body = secret.rpartition("_")[2]
            fragments = {secret, body[:8], body[-8:], body[4:12]}
            assert [fragment for fragment in fragments if fragment in output] == []


# Settings that refuse: by name, the variables, and the words of the line of each problem.
REFUSED: dict[str, tuple[dict[str, Any], list[list[str]]]] = {
    "no key": ({"SECRET_KEY": ""}, [["SECRET_KEY is not set", "50 random characters"]]),
    "placeholder": ({"RESEND_API_KEY": "re_your_api_key_here"}, [["RESEND_API_KEY still contains a placeholder"]]),
    "short key": ({"SECRET_KEY": "Qw7rTy9p"}, [["SECRET_KEY must be random", "token_urlsafe"]]),
    "every host": ({"ALLOWED_HOSTS": "*"}, [["ALLOWED_HOSTS=*", "List the host names"]]),
    "console": ({"EMAIL_PROVIDER": "console"}, [["EMAIL_PROVIDER is console", "Set it to one of"]]),
    "DEBUG": ({"DEBUG": "true"}, [["DEBUG is true", "Unset it"]]),
    "weak token": ({"METRICS_TOKEN": "short"}, [["METRICS_TOKEN must be random", "token_urlsafe"]]),
    "no Stripe secret": ({"STRIPE_WEBHOOK_SECRETS": ""}, [["STRIPE_WEBHOOK_SECRETS is not", "Set it to the secret"]]),
    "misspelled": ({"EMAIL_FALBACK_PROVIDER": "smtp"}, [["EMAIL_FALBACK_PROVIDER", "mean EMAIL_FALLBACK_PROVIDER?"]]),
    "no settings": ({"DJANGO_SETTINGS_MODULE": "settings.prod"}, [["settings.prod", "Set it to settings.production"]]),
    "development on a server": (
        {"DJANGO_SETTINGS_MODULE": "settings.development", "STRIPE_SECRET_KEY": "", "STRIPE_WEBHOOK_SECRETS": ""},
        [["ALLOWED_HOSTS contains app.acme.com", "settings.production"], ["APP_URL is not", "settings.production"]],
    ),
    "several": (
        {"EMAIL_LEASE_SECONDS": "1m", "DATABASE_URL": f"mysql://u:{PASSWORD}@db/acme", "DEBUG": "on", "REDIS_URL": ""},
        [
            ["DATABASE_URL=mysql://… in the environment", "Set it to postgres://"],
            ["EMAIL_LEASE_SECONDS=1m in the environment", "Set it to a whole number"],
            ["REDIS_URL is not set", "redis://host"],
            ["DEBUG is true", "Unset it"],
        ],
    ),
    "line break in a list": ({"SECURITY_CONTACT": "a@acme.com\nExpires: never"}, [["SECURITY_CONTACT", "Set it to"]]),
    "not UTF-8": ({"APP_URL": b"https://\xff\xfe.acme.com"}, [["APP_URL", "invalid value", "Set it to text in UTF-8"]]),
    "long": ({"BRAND_COLOR": "#" + "f" * 100_000}, [["BRAND_COLOR=#fff", "Set it to a color"]]),
    "password in the wrong place": (
        {"EMAIL_PROVIDER": SECRETS["RESEND_API_KEY"]}, [["EMAIL_PROVIDER", "Set it to one of console"]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_refuse_are_explained(case):
    variables, lines = REFUSED[case]
    assert_named(doctor(variables=VALID | variables), *lines)


def test_package_of_settings_is_refused_in_one_line():
    done = doctor(variables={"DJANGO_SETTINGS_MODULE": "settings"})
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert b"Set it to settings.development" in done.stderr


def test_terminal_that_lacks_characters_shows_the_rest():
    ascii_only = {"PYTHONIOENCODING": "ascii", "BRAND_NAME": "Käse", "DEBUG": "true"}
    assert_named(doctor(variables=VALID | ascii_only), ["DEBUG is true", "Unset it"])


def test_refusals_are_printed_as_json():
    done = doctor("--json", variables=VALID | {"DEBUG": "true", "EMAIL_LEASE_SECONDS": "1m"})
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["status"] == "error"
    assert [found["subject"] for found in report["findings"]] == ["EMAIL_LEASE_SECONDS", "DEBUG"]
    assert {found["check"] for found in report["findings"]} == {"settings.load"}
    assert {"name": "SECRET_KEY", "value": "(hidden)", "source": "the environment", "is_secret": True} in (
        report["variables"]
    )
    assert_no_secret(done.stdout.decode())


# .env


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    return clone_into(tmp_path_factory.mktemp("doctor") / "clone")


DOTENV = {
    "not UTF-8": ("BRAND_NAME=A\nBRAND_ADDRESS=Köln\n".encode("latin-1"), [".env, line 2", "UTF-8", "Save the file"]),
    "no assignment": (f"STRIPE_SECRET_KEY {PASSWORD}\n".encode(), [".env, line 1", "STRIPE_SECRET_KEY", "Write NAME"]),
    "1 MB": (b"BRAND_COLOR=#" + b"a1" * 500_000, ["BRAND_COLOR", "in .env, line 1", "Set it to a color"]),
    "NUL": (b"BRAND_NAME=A\0B\n", [".env isn't a text file", "UTF-8"]),
}


@pytest.mark.parametrize("case", DOTENV)
def test_broken_dotenv_is_explained(clone, case):
    content, words = DOTENV[case]
    (clone / ".env").write_bytes(content)
    assert_named(doctor(folder=clone, variables={"DJANGO_SETTINGS_MODULE": "settings.development"}), words)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions don't stop root")
def test_unreadable_dotenv_is_explained(clone):
    (clone / ".env").unlink(missing_ok=True)
    (clone / ".env").touch(0o000)
    assert_named(doctor(folder=clone, variables=VALID), [".env can't be read: Permission denied", "Let the user"])


def test_odd_values_are_named_in_development(clone, tmp_path):
    (clone / ".env").write_bytes(b"BRAND_TAX_ID=" + b"9" * 1_000_000)
    variables = {
        "DJANGO_SETTINGS_MODULE": "settings.development",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "BRAND_NAME": "Acme\nInc.",
        "SUPPORT_EMAIL": "",
        "ACCOUNTS_SIGNUP_CHALLENGE": "'acme.check'",
    }
    done = doctor(folder=clone, variables=variables)
    assert_named(
        done,
        ["ACCOUNTS_SIGNUP_CHALLENGE", "quotes", "Remove the quotes"],
        ["BRAND_NAME", "line break", "in one line"],
        ["BRAND_TAX_ID", "1,000,000 characters", "Set it to the value alone"],
        ["accounts.E001", "ACCOUNTS_SIGNUP_CHALLENGE"],
        ["migrations", "not applied", "Run python manage.py migrate"],
    )
    assert max(map(len, done.stdout.decode().splitlines())) < 500


# Services


@contextmanager
def silent_server():
    """A server that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("state", ["down", "hanging"])
def test_services_that_do_not_respond_are_named(state):
    with silent_server() as hanging:
        host = hanging if state == "hanging" else "127.0.0.1:1"
        variables = {
            "DATABASE_URL": f"postgres://acme:{PASSWORD}@{host}/acme",
            "REDIS_URL": f"redis://:{PASSWORD}@{host}/0",
            "RESEND_API_URL": f"http://{host}",
            "STRIPE_API_URL": f"http://{host}",
            "DJANGO_SETTINGS_MODULE": "tests.support.site_settings",
            "TEST_STATIC_ROOT": collected_static_files(),
        }
        done = doctor(variables=VALID | variables)
    plans = [["billing.E005", "settings/plans.py"]] * done.stdout.decode().count("billing.E005")
    assert_named(
        done,
        *plans,
        ["DATABASE_URL", "Start PostgreSQL"],
        ["REDIS_URL", "Start Redis"],
        ["RESEND_API_URL", "can't be reached", "Allow outgoing"],
        ["STRIPE_API_URL", "can't be reached", "Allow outgoing"],
    )


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """The variables of a migrated production installation, with PostgreSQL, Redis, and heartbeats."""
    if not postgres_answers() or not redis_is_installed():
        pytest.skip("needs PostgreSQL on 127.0.0.1:5432 or TEST_POSTGRES_URL, and redis-server")
    provider = HTTPServer(("127.0.0.1", 0), Responder)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    redis = RedisServer().start()
    with temporary_database() as database:
        variables = VALID | {
            "DJANGO_SETTINGS_MODULE": "tests.support.site_settings",
            "TEST_STATIC_ROOT": collected_static_files(),
            "DATABASE_URL": re.sub(r"//(\w+)@", rf"//\1:{PASSWORD}@", f"{POSTGRES}/{database}"),
            "REDIS_URL": redis.url,
            "RESEND_API_URL": f"http://127.0.0.1:{provider.server_port}",
            "DEFAULT_FROM_EMAIL": "Acme <hello@mail.acme.com>",
            "BRAND_NAME": "Acme",
            "BRAND_ADDRESS": "1 Main Street",
            "STRIPE_SECRET_KEY": "",
            "STRIPE_WEBHOOK_SECRETS": "",
        }
        manage(variables, "migrate", "-v0")
        beat = (
            "from operations.models import Heartbeat as H, Role; from common.db import database_now as now\n"
            "[H.objects.create(name=r, role=r, started_at=now(), seen_at=now().replace(year=9999)) for r in Role]"
        )
        manage(variables, "shell", "-v0", "-c", beat)
        yield variables
    redis.stop()
    provider.shutdown()


def manage(variables, *arguments):
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env={"PATH": os.environ["PATH"], **variables}, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--verbose",), ("--json",)])
def test_healthy_installation_exits_with_0_and_shows_no_secret(installation, options):
    done = doctor(*options, variables=installation)
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, output
    assert "  error " not in output
    assert "RESEND_API_KEY" in output
    assert_no_secret(output)


BROKEN = {
    "SQLite": ({"DATABASE_URL": "sqlite:///{folder}/db.sqlite3"}, ["DATABASE_URL", "SQLite", "PostgreSQL"]),
    "unknown database": ({"DATABASE_URL": f"{POSTGRES}/no_such_database"}, ["does not exist", "createdb"]),
    "free provider": ({"DEFAULT_FROM_EMAIL": "acme@gmail.com"}, ["gmail.com", "DMARC", "Set DEFAULT_FROM_EMAIL"]),
    "no collectstatic": ({"TEST_STATIC_ROOT": "/nonexistent"}, ["manifest", "collectstatic"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BROKEN)
def test_broken_installation_exits_with_1(installation, tmp_path, case):
    variables, words = BROKEN[case]
    variables = {name: value.format(folder=tmp_path) for name, value in variables.items()}
    done = doctor(variables=installation | variables)
    [line] = [line for line in done.stdout.decode().splitlines() if line.startswith("  error ") and words[0] in line]
    assert done.returncode == 1
    assert [word for word in words if word not in line] == []
