"""Every page route, requested by visitors, other users, and staff."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Login, User
from accounts.pages import urls
from accounts.tests.support.browser import log_in
from accounts.tests.support.users import PASSWORD

PUBLIC, PERSONAL, POST_ONLY, NEEDS_LINK = "public", "personal", "POST only", "opened by a link from an email"
ROUTES = {
    "home": PUBLIC,
    "terms": PUBLIC,
    "privacy": PUBLIC,
    "signup": PUBLIC,
    "welcome": PUBLIC,
    "verify-email": PUBLIC,
    "login": PUBLIC,
    "logout": POST_ONLY,
    "forgot-password": PUBLIC,
    "reset-sent": PUBLIC,
    "reset-password": PUBLIC,
    "confirm-email-change": NEEDS_LINK,
    "undo-email-change": NEEDS_LINK,
    "keep-email-address": NEEDS_LINK,
    "language": POST_ONLY,
    "dashboard": PERSONAL,
    "emails": PERSONAL,
    "email": PERSONAL,
    "email-html": PERSONAL,
    "email-file": PERSONAL,
    "settings": PERSONAL,
    "settings-email": PERSONAL,
    "settings-email-keep": PERSONAL,
    "settings-password": PERSONAL,
    "settings-devices": PERSONAL,
    "settings-devices-all": PERSONAL,
    "settings-data": PERSONAL,
    "settings-export": PERSONAL,
}
POSTS = {
    "settings": {"name": "Mallory", "language": "de"},
    "settings-email": {"email": "mallory@example.com", "password": PASSWORD},
    "settings-email-keep": {"password": PASSWORD},
    "settings-password": {"password": PASSWORD, "new_password": "a password of Mallory"},
    "settings-data": {"password": PASSWORD},
    "settings-devices-all": {},
    "undo-email-change": {"token": "x"},
    "confirm-email-change": {"token": "x", "password": PASSWORD},
    "keep-email-address": {"token": "x", "password": PASSWORD},
    "reset-password": {"token": "x", "password": "a password of Mallory"},
    "verify-email": {"token": "x", "password": PASSWORD},
}
FIELDS_AIMED_AT_ADA = {"id": "{pk}", "user": "{pk}", "user_id": "{pk}", "pk": "{pk}", "email_verified_at": "2020-01-01"}


ABOUT_ONE_EMAIL = ("email", "email-html", "email-file")
WITHOUT_FORM = ("home", "terms", "privacy", "settings-export", "dashboard", "emails", "reset-sent", *ABOUT_ONE_EMAIL)
EMAIL = "9e107d9d-3c2a-4e2f-8c1b-5d7f0a1b2c3d"  # of nobody


def url(name: str) -> str:
    return reverse(f"pages:{name}", args=[EMAIL] if name in ABOUT_ONE_EMAIL else [])


@pytest.fixture
def other_browser(db, ada, request) -> Client:
    kind = getattr(request, "param", "user")
    rights = {"is_staff": True, "is_superuser": True} if kind == "staff" else {}
    User.objects.create_user("mallory@example.org", PASSWORD, name="M", email_verified_at="2026-01-01T00:00Z", **rights)
    browser = Client()
    log_in(browser, "mallory@example.org")
    return browser


def test_routes_table_is_complete():
    assert set(ROUTES) == {pattern.name for pattern in urls.urlpatterns}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("name", ROUTES)
def test_visitor_gets_public_pages_or_the_login(client, db, name, slash):
    address = url(name).rstrip("/") + (slash or ("/" if name == "home" else ""))
    response = client.get(address)
    if ROUTES[name] == POST_ONLY:
        assert response.status_code == 405
    elif ROUTES[name] == PERSONAL:
        assert (response.status_code, response["Location"]) == (302, f"/login?next={address}")
    else:
        final = client.get(address, follow=True)
        assert final.status_code == (400 if ROUTES[name] == NEEDS_LINK else 200)
        assert len(final.redirect_chain) <= 1


@pytest.mark.parametrize("name", [name for name, kind in ROUTES.items() if name.startswith("settings")])
def test_visitor_cannot_change_settings(client, ada, name):
    response = client.post(url(name), POSTS.get(name, {}))
    assert response["Location"].startswith("/login?next=")
    assert User.objects.get().password == ada.password
    assert User.objects.get().name == "Ada"


@pytest.mark.parametrize("other_browser", ["user", "staff"], indirect=True)
@pytest.mark.parametrize("name", POSTS)
def test_user_cannot_change_another_user(other_browser, ada, name):
    before = User.objects.values().get(pk=ada.pk)
    aimed = {field: value.format(pk=ada.pk) for field, value in FIELDS_AIMED_AT_ADA.items()}
    rights = {"is_staff": "1", "is_superuser": "1", "is_active": "1", "groups": "1", "session_generation": "7"}
    other_browser.post(url(name) + f"?user={ada.pk}", {**rights, **aimed, **POSTS[name]})
    assert User.objects.values().get(pk=ada.pk) == before


@pytest.mark.parametrize("name", ["settings", "settings-email", "settings-password"])
def test_user_cannot_grant_themselves_rights(other_browser, name):
    rights = {"is_staff": "1", "is_superuser": "1", "is_active": "1", "groups": "1", "session_generation": "7"}
    other_browser.post(url(name), {**rights, **POSTS[name]})
    mallory = User.objects.get(email="mallory@example.org")
    assert mallory.is_staff is False
    assert mallory.is_superuser is False
    assert mallory.session_generation == 0


@pytest.mark.parametrize("other_browser", ["user", "staff"], indirect=True)
def test_user_cannot_end_another_users_session(client, other_browser, ada):
    log_in(client)
    device = Login.objects.get(user=ada)
    assert other_browser.post(url("settings-devices"), {"device": device.pk}).status_code == 404
    assert client.get(url("dashboard")).status_code == 200


@pytest.mark.parametrize("other_browser", ["user", "staff"], indirect=True)
@pytest.mark.parametrize("name", [name for name, kind in ROUTES.items() if kind == PERSONAL])
def test_user_cannot_read_about_another_user(other_browser, ada, name):
    response = other_browser.get(url(name), {"user": ada.pk, "id": ada.pk}, follow=True)
    assert response.status_code == (404 if name in ABOUT_ONE_EMAIL else 200)
    assert b"ada@example.com" not in response.content


@pytest.mark.parametrize("name", [name for name in ROUTES if name not in WITHOUT_FORM])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"email": "ada@example.com"}'),
        ("text/plain", b"\xff\xfe"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        (
            "application/x-www-form-urlencoded",
            b"email=%00&password=%ff&token=%00&next=%00&device=%00&name=%ed%a0%80&language=%00",
        ),
        ("", b"email=1"),
    ],
)
def test_malformed_bodies_are_refused(db, ada, name, content_type, body):
    browser = Client(raise_request_exception=False)
    for log_in_first in (False, True):
        if log_in_first:
            log_in(browser)
        response = browser.generic("POST", url(name), body, content_type)
        assert response.status_code in (200, 302, 400, 404)
    assert User.objects.filter(pk=ada.pk, name="Ada", email=ada.email).exists()
