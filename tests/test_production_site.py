"""What production tells browsers, and that its policy leaves the admin and the API's documentation working."""

import pytest
import requests

from tests.support.site import CHROMIUM, Site
from tests.support.stack import HUNG_AFTER

HTTPS = {"X-Forwarded-Proto": "https"}
ADDRESS, PASSWORD = "grace@example.com", "correct horse battery"


@pytest.mark.parametrize("path", ["/", "/login", "/nothing", "/admin/login/", "/api/docs/", "/brand.css"])
def test_browsers_come_back_by_https_only(site: Site, path):
    answer = requests.get(site.url + path, headers=HTTPS, timeout=HUNG_AFTER)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_static_files_may_be_kept(site: Site):
    html = requests.get(site.url, timeout=HUNG_AFTER).text
    (path,) = [part for part in html.split('"') if part.startswith("/static/site.")]
    answer = requests.get(site.url + path, timeout=HUNG_AFTER)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_every_cookie_is_secure(site: Site):
    session = requests.Session()
    page = session.get(f"{site.url}/login", headers=HTTPS, timeout=HUNG_AFTER)
    (token,) = [part.split('"')[0] for part in page.text.split('name="csrfmiddlewaretoken" value="')[1:2]]
    form = {"csrfmiddlewaretoken": token, "language": "de"}
    cookies = {"csrftoken": page.cookies["csrftoken"]}
    referer = {**HTTPS, "Referer": site.url.replace("http:", "https:")}
    answer = requests.post(
        f"{site.url}/language", form, headers=referer, cookies=cookies, allow_redirects=False, timeout=HUNG_AFTER
    )
    assert answer.status_code == 302
    for line in [*page.raw.headers.getlist("Set-Cookie"), *answer.raw.headers.getlist("Set-Cookie")]:
        assert all(attribute in line for attribute in ("; HttpOnly", "; SameSite=Lax", "; Secure")), line


def test_a_foreign_host_name_gets_a_page_of_its_own(site: Site):
    answer = requests.get(site.url, headers={"Host": "evil.example.com"}, timeout=HUNG_AFTER)
    assert answer.status_code == 400
    assert ">400</span>" in answer.text


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")
@pytest.mark.parametrize(("path", "seen"), [("/api/docs/", ".opblock-summary"), ("/admin/login/", "#login-form")])
def test_the_policy_leaves_it_working(site: Site, browser, path, seen):
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(site.url + path)
    page.locator(seen).first.wait_for()
    assert complaints == []
    page.close()
