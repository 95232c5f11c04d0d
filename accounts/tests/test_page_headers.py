"""The security headers of every response."""

import re

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from accounts.tests.support.browser import log_in
from accounts.tests.support.links import tokens_of
from accounts.tests.support.users import PASSWORD

PUBLIC = [
    "/",
    "/pricing",
    "/terms",
    "/privacy",
    "/signup",
    "/welcome",
    "/login",
    "/forgot-password",
    "/forgot-password/sent",
    "/logout",
    "/nothing",
]
PERSONAL = [
    "/dashboard",
    "/emails",
    "/settings",
    "/settings/email",
    "/settings/email/keep",
    "/settings/password",
    "/settings/devices",
    "/settings/data",
    "/settings/data/export",
]
WITH_TOKEN = ["/verify-email", "/reset-password", "/confirm-email-change", "/undo-email-change", "/keep-email-address"]
OTHER_PATHS = [
    "/brand.css",
    "/brand.svg",
    "/admin/login/",
    "/admin/",
    "/api/docs/",
    "/api/schema/",
    "/api/accounts/me/",
]
CACHED = {"/brand.css", "/brand.svg", "/nothing"}
INLINE = re.compile(r"<style|<script(?![^>]* src=)|\son[a-z]+=|\sstyle=|javascript:", re.IGNORECASE)
# A canonical link names the page itself, and browsers load nothing for it.
FOREIGN = re.compile(r"<(?:link(?! rel=\"canonical\")|script|img|iframe)[^>]+(?:href|src)=\"(?!/)[^\"]*", re.IGNORECASE)


@pytest.fixture
def browser(ada) -> Client:
    User.objects.filter(pk=ada.pk).update(is_staff=True, is_superuser=True)
    browser = Client()
    log_in(browser)
    return browser


@pytest.mark.parametrize("path", PUBLIC + PERSONAL + WITH_TOKEN + OTHER_PATHS)
@pytest.mark.parametrize("who", ["visitor", "user"])
def test_security_headers_are_strict(client, browser, who, path):
    response = (client if who == "visitor" else browser).get(f"{path}?token=x", secure=True)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (response["X-Frame-Options"], response["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert response["Referrer-Policy"] == ("strict-origin" if path in WITH_TOKEN else "same-origin")
    if path in PERSONAL + PUBLIC + WITH_TOKEN and path not in CACHED and response.status_code == 200:
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]


@pytest.mark.parametrize("path", PUBLIC + PERSONAL + WITH_TOKEN + ["/api/docs/", "/admin/"])
def test_pages_have_no_inline_or_foreign_resources(browser, client, path):
    for visitor in (browser, client):
        html = visitor.get(f"{path}?token=x").content.decode()
        assert not INLINE.search(html)
        assert not FOREIGN.search(html)


def test_page_with_token_loads_no_foreign_logo(client, db, settings):
    settings.BRAND_LOGO_URL = "https://cdn.example.net/logo.png"
    assert b"cdn.example.net" in client.get("/login").content
    assert b"cdn.example.net" not in client.get("/reset-password?token=x").content


def test_cookies_are_httponly_and_lax(client, ada):
    cookies = log_in(client).cookies
    client.get("/login")
    client.post("/language", {"language": "de"})
    for name, cookie in {**cookies, **client.cookies}.items():
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name


@pytest.mark.parametrize("path", WITH_TOKEN)
def test_token_is_not_repeated_in_the_url(client, ada, unconfirmed_user, path):
    token = tokens_of(ada, unconfirmed_user)[path]
    html = client.get(f"{path}?token={token}").content.decode()
    assert f'action="{path}"' in html
    assert html.count(token) == 1
    assert client.post(path, {"token": "token-of-the-test", "password": PASSWORD}).status_code == 400


@pytest.mark.parametrize("path", WITH_TOKEN)
def test_page_of_a_broken_link_does_not_repeat_its_token(client, db, path):
    response = client.get(f"{path}?token=token-of-the-test")
    assert (response.status_code, response["Referrer-Policy"]) == (400, "strict-origin")
    assert b"token-of-the-test" not in response.content


def test_policy_allows_no_foreign_images_by_default():
    assert settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"] == ["'self'", "data:"]
