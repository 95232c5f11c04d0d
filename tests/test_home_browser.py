"""The operator's home page and search in Chromium: they fit, are accessible in both color schemes, and need no script.

HOME_SCREENSHOTS=FOLDER keeps a picture of each page.
"""

import os
from contextlib import closing
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.site import CHROMIUM, Site

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium"),
]

ROWS = Path(__file__).with_name("support") / "home_rows.py"
ADDRESS, PASSWORD = "operator@example.com", "correct horse battery"
WIDTHS = {"phone": 360, "desktop": 1280}
PAGES = {
    "home": "admin/",
    "results": "admin/search/?q=guest@example.com",
    "people": "admin/search/?q=love",
    "nothing": "admin/search/?q=nobody",
}


@pytest.fixture(scope="module")
def home_site(tmp_path_factory):
    """A site of its own, because other tests need one without these rows."""
    with Site(tmp_path_factory.mktemp("home")) as site:
        yield site


@pytest.fixture(scope="module")
def operator(home_site, browser):
    """The cookies of a superuser, once with an empty database and then with rows that need attention."""
    home_site.add_person(ADDRESS, PASSWORD)
    code = "from accounts.models import User; User.objects.update(is_staff=True, is_superuser=True)"
    home_site.manage("shell", "-v", "0", "-c", code)
    page = browser.new_page()
    page.goto(f"{home_site.url}/admin/")
    page.fill("[name=username]", ADDRESS)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation(url="**/admin/"):
        page.keyboard.press("Enter")
    yield page.context.storage_state()
    page.context.close()


@pytest.fixture(scope="module")
def filled(home_site, operator):
    home_site.manage("shell", "-v", "0", "-c", ROWS.read_text())


@pytest.fixture
def page(browser, operator):
    with closing(browser.new_context(storage_state=operator, reduced_motion="reduce")) as context:
        yield context.new_page()


def check(page, name: str) -> None:
    """Check the page at both widths and in both color schemes."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": WIDTHS[width], "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width], (name, width)
            if folder := os.environ.get("HOME_SCREENSHOTS"):
                page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
            results = Axe().run(page, "#content")
            assert results.violations_count == 0, f"{name} {width} {scheme}: {results.generate_report()}"


def test_empty_home_page_is_accessible(home_site, page):
    page.goto(f"{home_site.url}/admin/")
    check(page, "empty")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible(home_site, page, filled, name):
    page.goto(f"{home_site.url}/{PAGES[name]}")
    check(page, name)


def test_search_and_tables_work_without_javascript(home_site, browser, operator, filled):
    with closing(browser.new_context(storage_state=operator, java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(f"{home_site.url}/admin/")
        page.locator("summary").first.click()
        assert page.locator(".chart-table").first.is_visible()
        page.get_by_role("search").get_by_role("searchbox").fill("receipt:in_failed")
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/emails/outboundemail/*/change/")


def test_browser_reports_no_violation_of_the_policy(home_site, page, filled):
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    for path in PAGES.values():
        page.goto(f"{home_site.url}/{path}")
    assert messages == []
