"""While the database is unavailable, every request gets a 503. A mistake in our own code stays a 500."""

import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings as project_settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from django.db.utils import ConnectionHandler, DatabaseErrorWrapper
from django.test import Client
from django.urls import path

from accounts.models import User
from accounts.tests.support.users import ADA
from billing.tests.support.stripe_events import SECRET, payload
from billing.tests.support.stripe_events import post as post_to_stripe_webhook
from common import outages
from common.outages import Trouble, trouble_of
from myproject import urls
from myproject.urls import handler400, handler403, handler404, handler500  # noqa: F401  # Django looks these up here

SESSION = {"cookie": f"{project_settings.SESSION_COOKIE_NAME}=aaaabbbbccccddddeeeeffffgggghhhh"}
UNAVAILABLE = ["08006", "25006", "25P03", "53100", "53200", "53300", "57P01", "57P02", "57P03", "58030"]
CONFLICTS = ["25P04", "40001", "40P01", "55P03", "57014"]
MISTAKES = ["22001", "23502", "23505", "25P02", "42601", "42703", "42P01", "54001", "55000", "XX000"]


def raised_by_django(driver_error: Exception) -> Exception:
    """Return the error that Django raises for the driver's error."""
    try:
        with DatabaseErrorWrapper(ConnectionHandler({"default": POSTGRES})["default"]):
            raise driver_error
    except Exception as error:
        return error


def touch_database(request, what):
    if what == "mistake":
        raise ProgrammingError('relation "secret_table" does not exist')
    User.objects.exists()


urlpatterns = [path("touch/<what>", touch_database), path("api/touch/<what>", touch_database), *urls.urlpatterns]
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "127.0.0.1", "PORT": 1, "USER": "x"}

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def long_silence(monkeypatch):
    monkeypatch.setattr(outages, "silence", outages.Silence(timedelta(minutes=1)))


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@contextmanager
def outage(error: Exception) -> Iterator[None]:
    """Make every statement fail."""

    def fail(*_):
        raise error

    with connection.execute_wrapper(fail):
        yield


@pytest.fixture
def without_database(db) -> Iterator[None]:
    with outage(OperationalError("the server closed the connection unexpectedly")):
        yield


@pytest.mark.parametrize(
    ("states", "trouble"), [(UNAVAILABLE, Trouble.OUTAGE), (CONFLICTS, Trouble.CONFLICT), (MISTAKES, None)]
)
def test_postgresql_states_are_judged(states, trouble):
    for state in states:
        error = raised_by_django(psycopg.errors.lookup(state)("words"))
        assert trouble_of(error) is trouble, state


def test_errors_without_a_state_are_outages(db):
    refused = ConnectionHandler({"default": POSTGRES})["default"]
    with pytest.raises(OperationalError) as caught:
        refused.ensure_connection()
    assert trouble_of(caught.value) is Trouble.OUTAGE
    closed = raised_by_django(psycopg.OperationalError("the connection is closed"))
    assert trouble_of(closed) is Trouble.OUTAGE
    # psycopg_pool's PoolTimeout is such an error too.
    assert trouble_of(raised_by_django(type("PoolTimeout", (psycopg.OperationalError,), {})())) is Trouble.OUTAGE
    assert trouble_of(InterfaceError("connection already closed")) is Trouble.OUTAGE


def test_mistakes_are_not_outages():
    for mistake in (ProgrammingError, DataError, IntegrityError, NotSupportedError, ValueError, KeyError):
        assert trouble_of(mistake("words")) is None
    assert trouble_of(None) is None


def test_real_sqlite_errors_are_judged(db, tmp_path):
    database = ConnectionHandler(
        {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "a", "OPTIONS": {"timeout": 0}}}
    )["default"]
    statements = {"CREATE TABLE t (x)": Trouble.CONFLICT, "SELECT * FROM missing": None, "nonsense": None}
    with closing(sqlite3.connect(tmp_path / "a")) as other, closing(database):
        other.execute("BEGIN EXCLUSIVE")
        found = {}
        for sql in ("CREATE TABLE t (x)", "nonsense"):
            with pytest.raises(OperationalError) as caught, database.cursor() as cursor:
                cursor.execute(sql)
            found[sql] = trouble_of(caught.value)
        other.rollback()
        with pytest.raises(OperationalError) as caught, database.cursor() as cursor:
            cursor.execute("SELECT * FROM missing")
        assert found | {"SELECT * FROM missing": trouble_of(caught.value)} == statements
        with pytest.raises(OperationalError) as caught, database.cursor() as cursor:
            cursor.execute("PRAGMA query_only = 1")
            cursor.execute("CREATE TABLE t (x)")
        assert trouble_of(caught.value) is Trouble.OUTAGE


def test_transaction_that_an_outage_ended_counts_as_outage(transactional_db):
    with pytest.raises(transaction.TransactionManagementError) as caught, transaction.atomic():
        with (
            outage(OperationalError("gone")),
            pytest.raises(OperationalError),
            transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS),
        ):
            User.objects.exists()
        User.objects.exists()
    assert trouble_of(caught.value) is Trouble.OUTAGE


API = [
    ("post", "/api/accounts/signup/", ADA),
    ("post", "/api/accounts/login/", {"email": "ada@example.com", "password": "x"}),
    ("post", "/api/accounts/password/reset/", {"email": "ada@example.com"}),
    ("get", "/api/accounts/me/", None),
    ("get", "/api/touch/it", None),
]


@pytest.mark.parametrize(("method", "url", "body"), API, ids=[url for _, url, _ in API])
def test_api_responds_with_503_as_json(browser, without_database, method, url, body):
    token = {"authorization": "Token " + "a" * 64} if method == "get" else {}
    response = getattr(browser, method)(url, body, content_type="application/json", headers=token)
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert response.json()["code"] == "database_unavailable"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("url", ["/touch/it", "/dashboard", "/", "/nothing", "/admin/", "/settings"])
def test_page_responds_with_503_and_needs_no_database(browser, without_database, url):
    response = browser.get(url, headers=SESSION)
    html = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert ">503</span>" in html
    assert "site.css" in html
    assert response["X-Frame-Options"] == "DENY"


def test_form_responds_with_503(browser, without_database):
    response = browser.post("/signup", {**ADA, "password": "correct horse battery"})
    assert response.status_code == 503
    assert "Sending it twice" in response.content.decode()


def test_session_that_cannot_be_saved_is_503(browser, db):
    user = User.objects.create_user("ada@example.com", "correct horse battery")
    user.confirm_email()

    def fail_on_sessions(execute, sql, *rest):
        if "django_session" in sql:
            raise OperationalError("gone")
        return execute(sql, *rest)

    with connection.execute_wrapper(fail_on_sessions):
        response = browser.post("/login", {"email": "ada@example.com", "password": "correct horse battery"})
    assert response.status_code == 503


@pytest.mark.parametrize(
    "headers", [{"accept-language": "de"}, {"cookie": f"{project_settings.LANGUAGE_COOKIE_NAME}=de"}], ids=str
)
def test_page_is_in_the_visitors_language(browser, without_database, headers):
    html = browser.get("/touch/it", headers=headers).content.decode()
    assert '<html lang="de">' in html
    assert "Datenbank" in html
    assert '<html lang="en">' in browser.get("/touch/it").content.decode()


def test_webhooks_respond_with_503(browser, without_database, settings):
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    response = post_to_stripe_webhook(payload("invoice_paid_first"))
    assert (response.status_code, response["Retry-After"]) == (503, "30")


def test_conflict_asks_for_a_quick_repeat(browser, db):
    deadlock = raised_by_django(psycopg.errors.lookup("40P01")("deadlock detected"))
    with outage(deadlock):
        assert browser.get("/touch/it")["Retry-After"] == "1"
        assert browser.get("/api/touch/it")["Retry-After"] == "1"


@pytest.mark.parametrize("url", ["/touch/mistake", "/api/touch/mistake"])
def test_mistake_stays_a_500_and_is_logged(browser, db, caplog, url):
    assert browser.get(url).status_code == 500
    assert [record.levelname for record in caplog.records if record.name == "django.request"] == ["ERROR"]


def test_outage_is_one_error_in_the_log(browser, without_database, caplog):
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            browser.get("/touch/it")
            browser.get("/api/accounts/me/", headers={"authorization": "Token " + "a" * 64})
    levels = [record.levelname for record in caplog.records]
    assert (levels.count("ERROR"), levels.count("WARNING")) == (1, 9)
    assert {record.name for record in caplog.records} == {"common.outages"}


def test_probes_tell_liveness_from_readiness(browser, without_database):
    assert browser.get("/healthz").status_code == 200
    response = browser.get("/readyz")
    assert (response.status_code, response.json()["checks"]["database"]) == (503, "failed")


def test_readiness_survives_an_outage_between_its_queries(browser, db):
    def fail_on_outbox(execute, sql, *rest):
        if "emails_" in sql:
            raise OperationalError("gone")
        return execute(sql, *rest)

    with connection.execute_wrapper(fail_on_outbox):
        assert browser.get("/readyz").status_code == 503


def test_everything_recovers_by_itself(browser, db):
    with outage(OperationalError("gone")):
        assert browser.get("/touch/it").status_code == 503
        assert browser.post("/api/accounts/signup/", ADA, content_type="application/json").status_code == 503
    response = browser.post("/api/accounts/signup/", json.dumps(ADA), content_type="application/json")
    assert response.status_code == 201


def test_silence_is_broken_once(monkeypatch):
    silence = outages.Silence(timedelta(seconds=10))
    assert [silence.is_broken() for _ in range(3)] == [True, False, False]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 11)
    assert [silence.is_broken() for _ in range(3)] == [True, False, False]
