"""Settings and their variables: .env.example is accurate, and invalid values are refused by name."""

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent
IN_COMPOSE_FILES = {"FLOWER_BASIC_AUTH", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "DOMAIN", "TLS_ISSUER"}
READ_ELSEWHERE = {"DJANGO_SETTINGS_MODULE", "PORT"} | IN_COMPOSE_FILES  # by Django, bin/dev, and the compose files
FOR_TESTS = {"EMAIL_FAILPOINTS"}
REQUIRED = {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "APP_URL", "DEFAULT_FROM_EMAIL"} | {
    "TRUSTED_PROXY_COUNT"
}
PRODUCTION = {
    "SECRET_KEY": "$kJ3v9-qTz7_Lm2XwR5bYc8NfHd4GsPa6UeVi1ZoKrMtQjBxWnCyEuFhSgDl",
    "ALLOWED_HOSTS": "app.example.com",
    "APP_URL": "https://app.example.com",
    "DATABASE_URL": "postgres://acme:secret@db.example.com:5432/acme",
    "REDIS_URL": "redis://redis.example.com:6379/0",
    "DEFAULT_FROM_EMAIL": "Acme <hello@example.com>",
    "EMAIL_PROVIDER": "resend",
    "RESEND_API_KEY": "re_2vKq8sTn",
    "TRUSTED_PROXY_COUNT": "0",
}


def load(module, **variables):
    """Import a settings module with only these variables, and return its error message or an empty string."""
    saved = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "settings"}
    variables = {"DJANGO_SETTINGS_MODULE": module, **variables}
    try:
        with patch.dict(os.environ, variables, clear=True), patch("environ.Env.read_env"):  # ignore a developer's .env
            import_module(module)
    except ImproperlyConfigured as error:
        return str(error)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "settings"]:
            del sys.modules[name]
        sys.modules.update(saved)
    return ""


def run(*command, folder=ROOT, **variables):
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)


def names_read():
    names = set()
    for modules, variables in [("development, settings.test", {}), ("production", PRODUCTION)]:
        code = f"import settings.{modules}; from settings.environment import Env; print(*Env.names_read)"
        names |= set(run("-c", code, **variables).stdout.split())
    return names


def example():
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_example_lists_what_the_settings_read():
    assert set(example()) - READ_ELSEWHERE == names_read() - FOR_TESTS - READ_ELSEWHERE


def test_every_line_of_the_example_is_explained():
    lines = (ROOT / ".env.example").read_text().splitlines()
    unexplained = [after for before, after in pairwise(lines) if re.match(r"[A-Z_]+=", after) and before[:1] != "#"]
    assert unexplained == []


def test_example_marks_what_production_requires():
    assert {name for name, value in example().items() if value == "change-me"} == REQUIRED | {"EMAIL_PROVIDER"}
    assert set(example().values()) == {"change-me", ""}


def test_copied_example_works_in_development(tmp_path):
    shutil.copytree(ROOT / "settings", tmp_path / "settings")
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    done = run("-c", "import settings.development as s; print(s.APP_URL, s.EMAIL_PROVIDER)", folder=tmp_path)
    assert done.stdout.split() == ["http://localhost:8000", "console"], done.stderr


def test_process_variable_overrides_the_file_unless_empty(tmp_path):
    shutil.copytree(ROOT / "settings", tmp_path / "settings")
    (tmp_path / ".env").write_text("BRAND_NAME=From the file\nBRAND_COLOR=#123456\nBRAND_ADDRESS=1 Main Street\n")
    code = "import settings.development as s; print(s.BRAND_NAME, s.BRAND_COLOR, s.BRAND_ADDRESS, sep='|')"
    done = run("-c", code, folder=tmp_path, BRAND_NAME="Acme", BRAND_COLOR="")
    assert done.stdout.strip() == "Acme|#123456|1 Main Street", done.stderr


def test_production_starts_with_everything_set():
    assert load("settings.production", **PRODUCTION) == ""


@pytest.mark.parametrize("placeholder", ["", " ", "change-me", "CHANGEME", "<your secret>", "xxxxxxxx"])
@pytest.mark.parametrize("name", sorted(REQUIRED | {"RESEND_API_KEY"}))
def test_production_names_a_missing_variable(name, placeholder):
    error = load("settings.production", **PRODUCTION | {name: placeholder})
    assert name in error


def test_production_names_every_missing_variable_at_once():
    error = load("settings.production")
    assert all(name in error for name in REQUIRED)


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("sequenzy", "SEQUENZY_API_KEY"),
        ("resend", "RESEND_API_KEY"),
        ("sendgrid", "SENDGRID_API_KEY"),
        ("smtp", "EMAIL_URL"),
    ],
)
def test_production_requires_only_the_chosen_providers_key(provider, variable):
    others = PRODUCTION | {"RESEND_API_KEY": "", "EMAIL_PROVIDER": provider}
    assert variable in load("settings.production", **others)
    assert load("settings.production", **others | {variable: "smtp://u:p@mail.example.com"}) == ""


def test_production_requires_the_fallback_providers_key():
    fallback = PRODUCTION | {"EMAIL_FALLBACK_PROVIDER": "sendgrid"}
    assert "SENDGRID_API_KEY" in load("settings.production", **fallback)
    assert load("settings.production", **fallback | {"SENDGRID_API_KEY": "SG.Vq3kT0aZ9fYw2"}) == ""


def test_other_backend_needs_no_key():
    backend = {
        "EMAIL_PROVIDER": "",
        "RESEND_API_KEY": "",
        "EMAIL_DELIVERY_BACKEND": "anymail.backends.postmark.EmailBackend",
    }
    assert load("settings.production", **PRODUCTION | backend) == ""


REFUSED_IN_PRODUCTION = {
    "SECRET_KEY": ["short", "a" * 60, "django-insecure-" + "abcdefghij" * 6],
    "ALLOWED_HOSTS": ["*", "app.example.com,*"],
    "EMAIL_PROVIDER": ["console"],
    "EMAIL_FALLBACK_PROVIDER": ["console"],
    "DEBUG": ["true"],
    "DATABASE_URL": ["postgres://acme:change-me@db.example.com/acme"],
    "METRICS_TOKEN": ["short", "x" * 31, "ü" * 40, "a b " * 10],
    "SECURE_HSTS_SECONDS": ["-1", "an hour", "1.5", "99999999999"],
    "SECURE_HSTS_PRELOAD": ["true"],
}
REFUSED_EVERYWHERE = {
    "ALLOWED_HOSTS": ["https://app.example.com", "app.example.com:443", "app.example.com/"],
    "APP_URL": ["app.example.com", "ftp://app.example.com", "https://", "https://app.example.com?x=1"],
    "DATABASE_URL": ["acme", "mysql://u:p@host/acme", "postgres://u:p@host:many/acme"],
    "REDIS_URL": ["localhost:6379", "http://localhost"],
    "DEFAULT_FROM_EMAIL": ["Acme", "Acme <hello>"],
    "EMAIL_PROVIDER": ["mailgun", "Resend"],
    "EMAIL_URL": ["mail.example.com", "http://mail.example.com", "smtp://mail.example.com:many"],
    "RESEND_API_URL": ["api.resend.com"],
    "EMAIL_DELIVERY_THREADS": ["0", "-1", "eight", "1.5"],
    "EMAIL_LEASE_SECONDS": ["0", "1m"],
    "EMAIL_RETENTION_DAYS": ["0"],
    "EMAIL_FALLBACK_AFTER_SECONDS": ["0", "5m"],
    "TRUSTED_PROXY_COUNT": ["-1", "yes"],
    "SESSION_DAYS": ["0", "two", "10000000000000"],
    "API_TOKEN_DAYS": ["0", "-1"],
    "API_TOKEN_MAXIMUM_DAYS": ["29", "3651"],
    "API_TOKENS_PER_USER": ["0"],
    "SECURITY_CONTACT": ["security", "http://example.com/", "a@b\nExpires: never"],
    "THROTTLE_SIGNUP": ["20", "0/hour", "20/fortnight", "many/hour"],
    "THROTTLE_LOGIN": ["20 per hour"],
    "ACCOUNTS_EMAIL_VERIFICATION": ["none"],
    "SECURE_SSL_REDIRECT": ["flase"],
}


def cases(table):
    return [(name, value) for name, values in table.items() for value in values]


@pytest.mark.parametrize(("name", "value"), cases(REFUSED_IN_PRODUCTION) + cases(REFUSED_EVERYWHERE))
def test_production_refuses(name, value):
    error = load("settings.production", **PRODUCTION | {name: value})
    assert name in error
    assert PRODUCTION["SECRET_KEY"] not in error


@pytest.mark.parametrize(("name", "value"), cases(REFUSED_EVERYWHERE)[:-1])
def test_development_refuses(name, value):
    error = load("settings.development", **{name: value})
    assert name in error
    assert "It must be" in error


@pytest.mark.parametrize("count", ["0", "1"])
def test_production_takes_any_number_of_proxies(count):
    assert load("settings.production", **PRODUCTION | {"TRUSTED_PROXY_COUNT": count}) == ""


@pytest.mark.parametrize(
    ("seconds", "subdomains", "is_accepted"),
    [
        ("31536000", "true", True),
        ("63072000", "true", True),
        ("31535999", "true", False),
        ("31536000", "false", False),
        ("0", "true", False),
        ("", "", False),
    ],
)
def test_preload_needs_what_browsers_ask_for(seconds, subdomains, is_accepted):
    hsts = {"SECURE_HSTS_SECONDS": seconds, "SECURE_HSTS_INCLUDE_SUBDOMAINS": subdomains, "SECURE_HSTS_PRELOAD": "true"}
    error = load("settings.production", **PRODUCTION | hsts)
    assert (error == "") is is_accepted
    assert is_accepted or "docs/https.md" in error


def test_settings_package_is_not_a_settings_module():
    assert "settings.production" in load("settings")


def test_deployment_check_passes(tmp_path):
    # On SQLite, because from Django 6.1 on, the check of a generated field asks PostgreSQL for its version.
    database = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    done = run(
        "manage.py",
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        DJANGO_SETTINGS_MODULE="settings.production",
        **PRODUCTION | {"DATABASE_URL": database},
    )
    assert done.returncode == 0, done.stderr


def test_site_with_an_international_name_starts():
    """The mark in metadata at Stripe is made from APP_URL, but must be ASCII."""
    assert load("settings.production", **PRODUCTION | {"APP_URL": "https://münchen.example"}) == ""
