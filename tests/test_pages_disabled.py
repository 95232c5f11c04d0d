"""PAGES_ENABLED=false removes the pages in favor of a separate front end; API, admin, and webhooks still work."""

import sys
from importlib import import_module

import pytest
from django.urls import clear_url_caches

from accounts.pages import urls


@pytest.fixture(autouse=True)
def without_pages(settings, db):
    """The routes of a process that was started with this setting."""
    settings.PAGES_ENABLED = False
    before = sys.modules.pop("myproject.urls")
    import_module("myproject.urls")
    clear_url_caches()
    yield
    sys.modules["myproject.urls"] = before
    clear_url_caches()


def test_root_names_the_front_end(client):
    assert client.get("/").json() == {"name": "Acme", "pages": "https://app.example.com", "documentation": "/api/docs/"}
    assert client.post("/").status_code == 405


@pytest.mark.parametrize(
    "path", [str(pattern.pattern).strip("^/?$") for pattern in urls.urlpatterns if pattern.name != "home"]
)
def test_pages_are_404(client, path):
    response = client.get(f"/{path}")
    html = response.content.decode()
    assert response.status_code == 404
    assert "Page not found" in html
    assert "<nav" not in html


def test_only_security_txt_remains_among_the_well_known_paths(client):
    assert client.get("/.well-known/change-password").status_code == 404
    assert client.get("/.well-known/security.txt").status_code == 200


def test_api_admin_and_webhooks_still_work(client):
    assert client.get("/admin/login/").status_code == 200
    assert client.get("/api/accounts/me/").status_code == 401
    assert client.get("/api/docs/").status_code == 200
    assert client.post("/emails/webhooks/resend/").status_code != 404
