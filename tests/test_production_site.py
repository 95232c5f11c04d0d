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
    assert response.headers["Strict-Transport-Security"] == "max-age=3600"
    assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_static_files_are_cached(site: Site):
    html = requests.get(site.url, timeout=HUNG_AFTER).text
    (path,) = [part for part in html.split('"') if part.startswith("/static/site.")]
    response = requests.get(site.url + path, timeout=HUNG_AFTER)
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]


class Browser:
    """Sends the Secure cookies too, as a browser would over HTTPS, and remembers every Set-Cookie line."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}
        self.lines: list[str] = []

    def send(self, method: str, path: str, **form: str) -> requests.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {**HTTPS, "Referer": self.site.url.replace("http:", "https:"), "Cookie": cookie}
        response = requests.request(
            method, self.site.url + path, data=form, headers=headers, allow_redirects=False, timeout=HUNG_AFTER
        )
        self.lines += response.raw.headers.getlist("Set-Cookie")
        self.cookies |= response.cookies.get_dict()
        return response

    def submit(self, path: str, action: str = "", **form: str) -> None:
        """Load the page at ``path`` and send a form of it."""
        token = self.send("GET", path).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        assert self.send("POST", action or path, csrfmiddlewaretoken=token, **form).status_code == 302


def test_every_cookie_belongs_to_this_host_and_is_secure(site: Site):
    site.add_person("hedy@example.com", PASSWORD)
    browser = Browser(site)
    browser.submit("/forgot-password", email="hedy@example.com")
    browser.submit("/login", "/language", language="de")
    browser.submit("/login", email="hedy@example.com", password=PASSWORD)
    browser.submit("/settings", name="Hedy", language="en")
    names = {"csrftoken", "language", "sessionid", "known_device", "inbox", "messages"}
    assert {line.partition("=")[0] for line in browser.lines} == {f"__Host-{name}" for name in names}
    for line in browser.lines:
        # __Host- needs Secure, the path /, and no domain; otherwise browsers ignore the cookie.
        assert all(attribute in line for attribute in ("; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/")), line
        assert "domain=" not in line.lower()


def test_password_managers_find_the_password_page(site: Site):
    response = requests.get(
        f"{site.url}/.well-known/change-password", headers=HTTPS, allow_redirects=False, timeout=HUNG_AFTER
    )
    assert (response.status_code, response.headers["Location"]) == (302, "/settings/password")


def test_security_txt_is_served(site: Site):
    response = requests.get(f"{site.url}/.well-known/security.txt", headers=HTTPS, timeout=HUNG_AFTER)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert f"Canonical: {site.url}/.well-known/security.txt\n" in response.text


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
