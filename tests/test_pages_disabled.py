"""PAGES_ENABLED=false removes the pages in favor of a separate front end; API, admin, and webhooks still work."""

import sys
from importlib import import_module

import pytest
from django.urls import clear_url_caches
from rest_framework.settings import api_settings

from accounts.models import User
from accounts.pages import urls


@pytest.fixture(autouse=True)
def without_pages(settings, db):
    """The routes of a process that was started with this setting."""
    before = import_module("myproject.urls")
    settings.PAGES_ENABLED = False
    del sys.modules["myproject.urls"]
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


def test_own_password_is_changed_in_the_admin(client, mailoutbox):
    user = User.objects.create_superuser("root@example.com", "correct horse battery staple")
    client.force_login(user)
    new = "a longer sentence is a better password"
    data = {"old_password": "correct horse battery staple", "new_password1": new, "new_password2": new}
    assert client.get("/admin/password_change/").status_code == 200
    assert client.post("/admin/password_change/", data, follow=True).status_code == 200
    assert [email.kind for email in mailoutbox] == ["welcome", "password_changed"]
    assert User.objects.get().check_password(new)


def test_too_many_passwords_in_the_admin_are_refused(client, monkeypatch):
    client.force_login(User.objects.create_superuser("root@example.com", "correct horse battery staple"))
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, "login": "3/m"}
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", rates)
    statuses = [client.post("/admin/password_change/", {"old_password": "x"}).status_code for _ in range(5)]
    assert statuses[-1] == 429
