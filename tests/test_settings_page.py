"""docs/settings.md is what the code says now, and the code's defaults are what .env.example promises."""

import os
import subprocess
import sys

import pytest

from settings.documentation import PAGE, page
from settings.examples import examples, meaning_of, split_default
from settings.masking import HIDDEN, SECRETS, is_secret, shown
from settings.variables import Variables, problem_with
from tests.test_environment import PRODUCTION, ROOT, example

# Defaults that depend on the environment, which .env.example describes in words.
IN_WORDS = {
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "DEBUG",
    "INSTALLATION_ID",
    "PASSWORD_HASHES_AT_ONCE",
    "STRIPE_LIVEMODE",
    "TRUSTED_PROXY_COUNT",
}


def test_page_is_up_to_date():
    assert PAGE.read_text("utf-8") == page(), "Run bin/settings-docs."


def test_page_lists_every_variable_once():
    names = [row.name for row in examples()]
    assert set(names) == set(example())
    assert len(names) == len(set(names))
    assert {row.section for row in examples()} > {"Core", "Email", "Billing", "Behind a proxy"}


def test_defaults_are_those_of_the_code():
    code = (
        "import settings.production; from settings.environment import Env; from settings.variables import as_text\n"
        "for name, default in Env.defaults.items(): print(name, as_text(default), sep='=')"
    )
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "settings.production", **PRODUCTION}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    used = dict(line.split("=", 1) for line in done.stdout.splitlines())
    promised = {row.name: row.default.rpartition("; in production: ")[2].partition(";")[0] for row in examples()}
    wrong = {
        name: (used[name], promised[name])
        for name in used.keys() & promised.keys() - IN_WORDS
        if used[name] and promised[name] and used[name] != promised[name] and promised[name] not in promised
    }
    assert len(used) > 60
    assert {name: pair for name, pair in wrong.items() if not pair[1].startswith(("the address", "as long"))} == {}


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("How many days [14].", ("How many days.", "14")),
        ("The sender [none]. More about it.", ("The sender. More about it.", "none")),
        ("No default.", ("No default.", "")),
    ],
)
def test_default_stands_in_brackets(comment, expected):
    assert split_default(comment) == expected


def test_meaning_is_the_first_sentence():
    assert meaning_of("APP_URL") == "The public URL of the site."
    assert meaning_of("NO_SUCH_VARIABLE") == ""


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secrets_are_hidden_as_a_whole(name):
    assert shown(name, "Xk29vQpL0zWm") == HIDDEN


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATABASE_URL", "postgres://acme:p@ss/w:rd@db.acme.com:5432/acme?sslmode=require",
         "postgres://acme:…@db.acme.com:5432/acme?sslmode=require"),
        ("DATABASE_URL", "postgres://acme:p@db/acme?password=Xk29&sslmode=require",
         "postgres://acme:…@db/acme?password=…&sslmode=require"),
        ("DATABASE_URL", "Xk29vQpL0zWm", HIDDEN),
        ("DATABASE_URL", "sqlite:////var/lib/acme/db.sqlite3", "sqlite:////var/lib/acme/db.sqlite3"),
        ("DATABASE_URL", "postgres://ep-cool-dark-123456.eu.neon.tech/acme", "postgres://ep-cool-dark-123456.eu.neon.tech/acme"),
        ("REDIS_URL", "redis://:Xk29vQpL0zWm@redis:6379/0", "redis://:…@redis:6379/0"),
        ("REDIS_URL", "redis://Xk29vQpL0zWm@redis:6379/0", "redis://…@redis:6379/0"),
        ("REDIS_URL", "redis://:pass#word@redis:6379/0", "redis://:…@redis:6379/0"),
        ("REDIS_URL", "redis://Xk29 vQpL", "redis://…"),
        ("REDIS_URL", "unix:///run/redis.sock?password=Xk29", "unix:///run/redis.sock?password=…"),
        ("EMAIL_URL", "smtp+tls://token:token@smtp.acme.com:587", "smtp+tls://…@smtp.acme.com:587"),
        ("CELERY_BROKER_URL", "amqp://acme:Xk29@rabbit:5672//", "amqp://…@rabbit:5672//"),
        ("BRAND_LOGO_URL", "https://acme:Xk29@cdn.acme.com/logo.png", "https://…@cdn.acme.com/logo.png"),
        ("EMAIL_PROVIDER", "re_2vKq8sTn4Lm9Xw", HIDDEN),
        ("BRAND_NAME", "a1" * 20, HIDDEN),
        ("SEQUENZY_WEBHOOK_KEY", "base64", "base64"),
        ("NEW_SERVICE_TOKEN", "abc", HIDDEN),
        ("APP_URL", "https://acme-production-4711.up.railway.app", "https://acme-production-4711.up.railway.app"),
        ("BRAND_NAME", "Acme\n\x1b[31m", "Acme\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31m"),
        ("BRAND_NAME", "", ""),
        ("BRAND_ADDRESS", "A " * 100, "A " * 30 + "…"),
    ],
)  # fmt: skip
def test_value_is_shown_without_its_secrets(name, value, expected):
    assert shown(name, value) == expected


def test_names_of_secrets_are_recognized():
    assert is_secret("POSTGRES_PASSWORD")
    assert not is_secret("APP_URL")


def test_variables_reveal_no_value_to_a_debug_page():
    assert repr(Variables()) == "Variables()"
    assert vars(Variables()) == {}


@pytest.mark.parametrize("value", ['"quoted"', "two\nlines", "a\x00b", "a\u200bb", "x" * 100_000])
def test_form_of_a_value_is_judged(value):
    problem, fix = problem_with(value)
    assert problem.endswith(".")
    assert fix.endswith(".")
    assert value not in problem + fix


def test_fingerprints_differ_by_key_and_hold_no_value(monkeypatch):
    monkeypatch.setattr("settings.environment.Env.ENVIRON", {"BRAND_NAME": "Acme"})
    one, other = Variables().fingerprints("one"), Variables().fingerprints("other")
    assert one != other
    assert "Acme" not in str(one)
