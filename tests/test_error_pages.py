"""What is answered when something is wrong: a page for people, JSON below /api/, whatever is broken."""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.test import Client
from django.urls import path
from django.utils import translation

from myproject import urls
from myproject.urls import handler400, handler403, handler404, handler500  # noqa: F401  # used by this urlconf


def fail(request, what):
    raise {"denied": PermissionDenied, "suspicious": SuspiciousOperation, "broken": RuntimeError}[what]("secret words")


urlpatterns = [path("fail/<what>", fail), path("api/fail/<what>", fail), *urls.urlpatterns]
CASES = [("denied", 403), ("suspicious", 400), ("broken", 500)]

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.mark.parametrize(("what", "status"), CASES)
def test_an_error_is_a_page_that_says_what_to_do(browser, db, what, status):
    answer = browser.get(f"/fail/{what}")
    shown = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f">{status}</span>" in shown
    assert "site.css" in shown
    assert "Acme" in shown
    assert "secret words" not in shown


@pytest.mark.parametrize(("what", "status"), CASES)
def test_an_error_of_the_api_is_json(browser, db, what, status):
    answer = browser.get(f"/api/fail/{what}")
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}


def test_what_is_not_there(browser, db):
    assert browser.get("/nothing").status_code == 404
    assert b"Page not found" in browser.get("/nothing").content
    assert browser.get("/api/nothing").json() == {"detail": "There's nothing at this URL."}


def test_a_broken_page_needs_no_database(browser):
    """No fixture db: a query would fail the test."""
    answer = browser.get("/fail/broken")
    assert answer.status_code == 500
    assert connection.connection is None or not connection.queries


def test_a_foreign_host_name_is_refused_with_a_page(browser):
    answer = browser.get("/", headers={"host": "evil.example.com"})
    assert answer.status_code == 400
    assert b">400</span>" in answer.content


def test_a_form_without_its_token_is_refused_with_a_page(browser, db):
    answer = browser.post("/login", {"email": "ada@example.com", "password": "x"})
    assert answer.status_code == 403
    assert b"This form has expired" in answer.content


@pytest.mark.parametrize("language", ["en", "de"])
def test_error_pages_speak_the_persons_language(browser, db, language):
    with translation.override("en"):  # so that the language of this request does not stay
        answer = browser.get("/nothing", headers={"accept-language": language})
    assert f'<html lang="{language}">' in answer.content.decode()
