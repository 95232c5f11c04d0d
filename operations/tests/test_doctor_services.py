"""What the doctor says about the database, Redis, and clocks, from what they say about themselves."""

import subprocess
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connection, connections

from common.findings import Level
from operations.doctor import brokers, clocks, databases, domains, files, framework
from operations.doctor.checks import Check, findings_of
from operations.doctor.examination import run
from operations.doctor.hosts import is_local, is_public, is_reserved, site_of
from operations.doctor.questions import Question
from tests.support.stack import RedisServer, redis_is_installed

GOOD = databases.Facts("postgresql", 170_000, "UTC", "UTF8", False, True, 5, 100)


def answer(value):
    question = Question(lambda: value)
    question.answer()
    return question


def wrong(checks):
    return {found.check: found for found in run(checks) if found.level != Level.OK}


@pytest.mark.django_db
def test_database_of_the_tests_is_asked():
    facts = databases.read_facts()
    assert facts.vendor == connection.vendor
    assert wrong(databases.checks(Question(databases.read_facts))) == {}


@pytest.mark.parametrize(
    ("facts", "check", "level", "words"),
    [
        ({"vendor": "sqlite", "version": 0}, "database.engine", Level.ERROR, "postgres://"),
        ({"version": 130_011}, "database.engine", Level.ERROR, "PostgreSQL 13"),
        ({"is_read_only": True}, "database.state", Level.ERROR, "primary"),
        ({"encoding": "SQL_ASCII"}, "database.state", Level.ERROR, "UTF8"),
        ({"time_zone": "Europe/Berlin"}, "database.state", Level.WARNING, "Europe/Berlin"),
        ({"connections": 81}, "database.connections", Level.WARNING, "max_connections"),
        ({"connections": 96}, "database.connections", Level.ERROR, "96 of its 100"),
    ],
)
def test_fact_about_the_database_is_judged(settings, facts, check, level, words):
    settings.IS_PRODUCTION = True
    found = wrong(databases.checks(answer(replace(GOOD, **facts))))
    assert {name: each.level for name, each in found.items()} == {check: level}
    assert words in found[check].problem + found[check].fix


@contextmanager
def database_at(monkeypatch, host, password, **options):
    with monkeypatch.context() as patch:
        patch.setitem(connections.settings, "default", connections.settings["default"])
        for name, value in {"HOST": host, "PASSWORD": password, "OPTIONS": options}.items():
            patch.setitem(connection.settings_dict, name, value)
        yield


@pytest.mark.parametrize(
    ("host", "password", "is_encrypted", "levels"),
    [
        ("db.acme.com", "secret", True, []),
        ("db.acme.com", "secret", False, [Level.ERROR]),
        ("db.acme.com", "", False, [Level.ERROR, Level.ERROR]),
        ("postgres", "secret", False, []),
        ("postgres", "", False, [Level.WARNING]),
        ("10.0.0.7", "secret", False, []),
        ("127.0.0.1", "", False, []),
        ("/run/postgresql", "", False, []),
    ],
)
def test_remote_database_needs_password_and_encryption(settings, monkeypatch, host, password, is_encrypted, levels):
    settings.IS_PRODUCTION = True
    for name in databases.PASSWORD_SOURCES:
        monkeypatch.delenv(name, raising=False)
    with database_at(monkeypatch, host, password):
        found = [*databases.security(replace(GOOD, is_encrypted=is_encrypted))]
    assert [each.level for each in found] == levels


@pytest.mark.parametrize(
    ("skew", "level"),
    [(0, None), (4, None), (-4, None), (30, Level.WARNING), (-30, Level.WARNING), (600, Level.ERROR)],
)
def test_clock_of_the_database_is_compared(settings, skew, level):
    settings.IS_PRODUCTION = True
    facts = replace(GOOD, skew=timedelta(seconds=skew))
    found = wrong(clocks.checks(answer(facts), {}))
    assert [each.level for each in found.values()] == ([level] if level else [])


def test_clock_of_a_service_is_compared(settings):
    settings.IS_PRODUCTION, settings.EMAIL_PROVIDER, settings.EMAIL_DELIVERY_BACKEND = True, "resend", ""
    answers = {"RESEND_API_URL": answer(clocks.Response(timedelta(hours=-1)))}
    found = wrong(clocks.checks(answer(GOOD), answers))
    assert set(found) == {"clock.service"}
    assert "3600 seconds behind" in found["clock.service"].problem


# Redis


@pytest.fixture(scope="module")
def redis():
    if not redis_is_installed():
        pytest.skip("needs redis-server")
    server = RedisServer().start()
    yield server
    server.stop()


def checks_of(settings, url):
    settings.IS_PRODUCTION, settings.REDIS_URL, settings.CELERY_BROKER_URL = True, url, url
    return brokers.checks({"REDIS_URL": Question(partial(brokers.read_facts, url))})


def test_redis_in_order_has_no_findings(settings, redis):
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert wrong(checks_of(settings, redis.url)) == {}


def test_redis_that_deletes_counters_is_named(settings, redis):
    redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    found = wrong(checks_of(settings, redis.url))
    assert set(found) == {"redis.server"}
    assert "noeviction" in found["redis.server"].fix
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_full_redis_is_named(settings, redis):
    redis.command("CONFIG", "SET", "maxmemory", "1")
    found = wrong(checks_of(settings, redis.url))
    redis.command("CONFIG", "SET", "maxmemory", "0")
    assert "Raise maxmemory" in found["redis.connection"].fix


def test_redis_with_another_password_is_named_without_it(settings, redis):
    redis.command("CONFIG", "SET", "requirepass", "right")
    url = redis.url.replace("//", "//:Xk29vQpL0zWm@")
    found = wrong(checks_of(settings, url))
    subprocess.run(["redis-cli", "-p", str(redis.port), "-a", "right", "CONFIG", "SET", "requirepass", ""], check=True)
    assert "password in REDIS_URL" in found["redis.connection"].fix
    assert "Xk29vQpL0zWm" not in str(found)


def test_redis_that_is_a_replica_is_named(settings, redis):
    redis.command("REPLICAOF", "127.0.0.1", "1")
    found = wrong(checks_of(settings, redis.url))
    redis.command("REPLICAOF", "NO", "ONE")
    assert "primary" in found["redis.connection"].fix


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://redis.acme.com:6379/0", ["no password", "unencrypted"]),
        ("redis://:secret@redis.acme.com:6379/0", ["unencrypted"]),
        ("rediss://:secret@redis.acme.com:6379/0", []),
        ("redis://:secret@redis:6379/0", []),
        ("unix:///run/redis.sock", []),
    ],
)
def test_remote_redis_needs_password_and_encryption(settings, url, words):
    settings.IS_PRODUCTION = True
    found = [*brokers.security("REDIS_URL", url)()]
    assert len(found) == len(words)
    assert all(word in each.problem for word, each in zip(words, found, strict=True))


def test_services_are_asked_at_the_same_time_and_never_waited_for(monkeypatch):
    monkeypatch.setattr("operations.doctor.questions.SECONDS", 0.05)
    hangs = Event()
    question: Question[Any] = Question(hangs.wait)
    found = wrong(databases.checks(question))
    hangs.set()
    assert set(found) == {"database.connection"}
    assert "doesn't respond" in found["database.connection"].problem


# Others


def test_check_that_fails_is_a_finding():
    def fail():
        raise ValueError("The key re_2vKq8sTn4Lm9Xw\nis bad")

    [found] = findings_of(Check("site.x", "X", fail))
    assert found.level == Level.ERROR
    assert "ValueError: The key [removed] is bad" in found.problem


def test_static_files_that_were_not_collected_again_are_named(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    settings.STATIC_ROOT = tmp_path
    [found] = files.static_files()
    assert "collectstatic" in found.fix


def test_failure_of_the_domain_check_is_a_finding(monkeypatch):
    def fail(sender):
        raise ImportError("dns")

    monkeypatch.setattr(domains, "check_domain", fail)
    [found] = domains.findings()
    assert (found.check, found.level) == ("dns", Level.ERROR)


def test_findings_about_the_domain_are_passed_on(settings):
    settings.DEFAULT_FROM_EMAIL = "hello@localhost"
    assert [found.subject for found in domains.findings()]


def test_check_of_django_is_shown_once(settings):
    settings.RESEND_API_KEY = ""
    settings.EMAIL_PROVIDER = "resend"
    settings.IS_PRODUCTION = True
    assert not [trouble for trouble in framework.django() if "RESEND_API_KEY" in trouble.problem]


@pytest.mark.parametrize(
    ("host", "local", "public", "reserved"),
    [
        ("localhost", True, False, True),
        ("127.0.0.1", True, False, False),
        ("[::1]", True, False, False),
        ("", True, False, False),
        ("postgres", False, False, False),
        ("db.railway.internal", False, False, False),
        ("192.168.0.4", False, False, False),
        ("8.8.8.8", False, True, False),
        ("db.acme.com", False, True, False),
        ("app.example.com", False, True, True),
        ("example.com.acme.com", False, True, False),
    ],
)
def test_kind_of_a_host_is_known(host, local, public, reserved):
    assert (is_local(host), is_public(host), is_reserved(host)) == (local, public, reserved)


def test_site_is_what_somebody_registers():
    names = ["acme.com", "app.acme.com", "mail.app.acme.com", "app.acme.co.uk", "localhost"]
    assert [site_of(name) for name in names] == ["acme.com", "acme.com", "acme.com", "acme.co.uk", "localhost"]
