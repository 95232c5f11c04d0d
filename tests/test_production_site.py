"""Production headers, cookies, and policy, which must not break the admin or the API's documentation."""

import pytest
import requests

from tests.support.site import CHROMIUM, Site
from tests.support.stack import HUNG_AFTER

HTTPS = {"X-Forwarded-Proto": "https"}
ADDRESS, PASSWORD = "grace@example.com", "correct horse battery"


@pytest.mark.parametrize("path", ["/", "/login", "/nothing", "/admin/login/", "/api/docs/", "/brand.css"])
def test_hsts_and_strict_policy_are_sent(site: Site, path):
    response = requests.get(site.url + path, headers=HTTPS, timeout=HUNG_AFTER)
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_static_files_are_cached(site: Site):
    html = requests.get(site.url, timeout=HUNG_AFTER).text
    (path,) = [part for part in html.split('"') if part.startswith("/static/site.")]
    response = requests.get(site.url + path, timeout=HUNG_AFTER)
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]


def test_every_cookie_is_secure(site: Site):
    session = requests.Session()
    page = session.get(f"{site.url}/login", headers=HTTPS, timeout=HUNG_AFTER)
    (token,) = [part.split('"')[0] for part in page.text.split('name="csrfmiddlewaretoken" value="')[1:2]]
    form = {"csrfmiddlewaretoken": token, "language": "de"}
    cookies = {"csrftoken": page.cookies["csrftoken"]}
    referer = {**HTTPS, "Referer": site.url.replace("http:", "https:")}
    response = requests.post(
        f"{site.url}/language", form, headers=referer, cookies=cookies, allow_redirects=False, timeout=HUNG_AFTER
    )
    assert response.status_code == 302
    for line in [*page.raw.headers.getlist("Set-Cookie"), *response.raw.headers.getlist("Set-Cookie")]:
        assert all(attribute in line for attribute in ("; HttpOnly", "; SameSite=Lax", "; Secure")), line


def test_unknown_host_gets_an_error_page(site: Site):
    response = requests.get(site.url, headers={"Host": "evil.example.com"}, timeout=HUNG_AFTER)
    assert response.status_code == 400
    assert ">400</span>" in response.text


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")
@pytest.mark.parametrize(("path", "selector"), [("/api/docs/", ".opblock-summary"), ("/admin/login/", "#login-form")])
def test_policy_does_not_break_the_page(site: Site, browser, path, selector):
    page = browser.new_page()
    console_messages: list[str] = []
    page.on("console", lambda message: console_messages.append(message.text))
    page.goto(site.url + path)
    page.locator(selector).first.wait_for()
    assert console_messages == []
    page.close()
