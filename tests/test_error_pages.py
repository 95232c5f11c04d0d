"""Error responses: a page for people and JSON below /api/, whatever is broken."""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.test import Client
from django.urls import path
from django.utils import translation

from myproject import urls
from myproject.urls import handler400, handler403, handler404, handler500  # noqa: F401  # Django looks these up in this urlconf


def fail(request, what):
    raise {"denied": PermissionDenied, "suspicious": SuspiciousOperation, "broken": RuntimeError}[what]("secret words")


urlpatterns = [path("fail/<what>", fail), path("api/fail/<what>", fail), *urls.urlpatterns]
CASES = [("denied", 403), ("suspicious", 400), ("broken", 500)]

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.mark.parametrize(("what", "status"), CASES)
def test_error_page_explains_what_to_do(browser, db, what, status):
    response = browser.get(f"/fail/{what}")
    html = response.content.decode()
    assert (response.status_code, response["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f">{status}</span>" in html
    assert "site.css" in html
    assert "Acme" in html
    assert "secret words" not in html


@pytest.mark.parametrize(("what", "status"), CASES)
def test_api_error_is_json(browser, db, what, status):
    response = browser.get(f"/api/fail/{what}")
    assert response.status_code == status
    assert set(response.json()) == {"detail"}


def test_missing_page_is_404(browser, db):
    assert browser.get("/nothing").status_code == 404
    assert b"Page not found" in browser.get("/nothing").content
    assert browser.get("/api/nothing").json() == {"detail": "There's nothing at this URL."}


def test_error_page_needs_no_database(browser):
    """Without the db fixture, a query would fail the test."""
    response = browser.get("/fail/broken")
    assert response.status_code == 500
    assert connection.connection is None or not connection.queries


def test_unknown_host_is_refused_with_a_page(browser):
    response = browser.get("/", headers={"host": "evil.example.com"})
    assert response.status_code == 400
    assert b">400</span>" in response.content


def test_missing_csrf_token_is_refused_with_a_page(browser, db):
    response = browser.post("/login", {"email": "ada@example.com", "password": "x"})
    assert response.status_code == 403
    assert b"This form has expired" in response.content


@pytest.mark.parametrize("language", ["en", "de"])
def test_error_page_uses_the_visitors_language(browser, db, language):
    with translation.override("en"):  # restores the language after the request
        response = browser.get("/nothing", headers={"accept-language": language})
    assert f'<html lang="{language}">' in response.content.decode()
