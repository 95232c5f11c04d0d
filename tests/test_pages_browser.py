"""Every page in Chromium, narrow and wide, light and dark, in English and German, with and without scripts.

tests/test_accessibility.py checks the pages on a phone in English with axe. This file covers the other combinations.
"""

from contextlib import closing
from dataclasses import asdict

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import expect

from accounts.pages.branding import palette
from tests.support.site import CHROMIUM
from tests.test_accessibility import PERSONAL, PUBLIC

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

ADDRESS, PASSWORD = "pages@example.com", "correct horse battery"
COLORS = ("#ffe600", "#000000", "#d7191c")
WIDER = """[...document.querySelectorAll('body *')]
    .filter(e => e.scrollWidth > e.clientWidth + 1)
    .filter(e => !e.matches('.visually-hidden, span, code, svg *, option, thead, thead *'))
    .filter(e => getComputedStyle(e).display !== 'inline').map(e => e.outerHTML.slice(0, 80))"""
MENU = "header details"


@pytest.fixture(scope="module")
def person(site, browser):
    """The cookies of a logged-in user whose payment failed."""
    site.add_person(ADDRESS, PASSWORD)
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{site.url}/login")
        page.fill("[name=email]", ADDRESS)
        page.fill("[name=password]", PASSWORD)
        with page.expect_navigation(url="**/dashboard"):
            page.keyboard.press("Enter")
        return context.storage_state()


class Reader:
    """Opens pages in one browser context, and checks each of them."""

    def __init__(self, site, context, language: str) -> None:
        self.site, self.page, self.language = site, context.new_page(), language
        self.console: list[str] = []
        self.page.on("console", lambda message: self.console.append(message.text))

    def open(self, path: str) -> None:
        self.console.clear()
        response = self.page.goto(f"{self.site.url}/{path}")
        assert response
        assert self.page.locator("html").get_attribute("lang") == self.language, path
        assert self.page.locator("main h1").count() == 1, path
        width = self.page.viewport_size["width"]
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert self.page.evaluate(WIDER) == [], path
        refused = f"status of {response.status}" if response.status >= 400 else "-"
        assert [text for text in self.console if refused not in text] == [], path

    def check_with_axe(self, path: str) -> None:
        results = Axe().run(self.page)
        assert results.violations_count == 0, f"{path}: {results.generate_report()}"


@pytest.fixture
def make_reader(site, browser, person):
    contexts = []

    def make(*, width: int, scheme: str, language: str, is_logged_in: bool, scripts: bool = True) -> Reader:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            locale=language,
            java_script_enabled=scripts,
            storage_state=person if is_logged_in else None,
        )
        contexts.append(context)
        return Reader(site, context, language)

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize("is_logged_in", [False, True], ids=["visitor", "user"])
def test_wide_pages_fit_and_are_accessible(make_reader, is_logged_in):
    reader = make_reader(width=1280, scheme="light", language="en", is_logged_in=is_logged_in)
    for path in PERSONAL if is_logged_in else PUBLIC:
        reader.open(path)
        reader.check_with_axe(path)


@pytest.mark.parametrize("is_logged_in", [False, True], ids=["visitor", "user"])
def test_german_pages_fit_in_the_dark_without_scripts(make_reader, is_logged_in):
    reader = make_reader(
        width=360, scheme="dark", language="en" if is_logged_in else "de", is_logged_in=is_logged_in, scripts=False
    )
    if is_logged_in:  # the profile's language counts
        reader.open("dashboard")
        reader.page.click("footer button[value=de]")
        reader.language = "de"
    try:
        for width in (360, 1280):
            reader.page.set_viewport_size({"width": width, "height": 800})
            for path in PERSONAL if is_logged_in else PUBLIC:
                reader.open(path)
    finally:
        if is_logged_in:
            reader.page.click("footer button[value=en]")


@pytest.mark.parametrize("width", [360, 1280])
def test_menu_of_the_account_works_without_scripts(make_reader, width):
    reader = make_reader(width=width, scheme="light", language="en", is_logged_in=True, scripts=False)
    reader.open("dashboard")
    menu = reader.page.locator(MENU)
    assert not menu.get_by_role("link", name="Settings").is_visible()
    menu.locator("summary").click()
    box = menu.locator("div").first.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    menu.get_by_role("link", name="Settings").click()
    assert reader.page.url.endswith("/settings")
    assert reader.page.locator(f"{MENU} summary").get_attribute("aria-current") == "page"


def test_open_menu_and_questions_are_accessible(make_reader):
    for path, is_logged_in in (("", False), ("dashboard", True)):
        reader = make_reader(width=360, scheme="light", language="en", is_logged_in=is_logged_in)
        reader.open(path)
        reader.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        reader.check_with_axe(path)


@pytest.mark.parametrize("color", COLORS)
def test_home_page_is_accessible_in_any_brand_color(make_reader, settings, color):
    settings.BRAND_COLOR = color
    colors = render_to_string("brand.css", asdict(palette()))
    reader = make_reader(width=360, scheme="light", language="en", is_logged_in=False)
    reader.page.route("**/brand.css*", lambda route: route.fulfill(body=colors, content_type="text/css"))
    reader.open("")
    for scheme in ("light", "dark"):
        reader.page.emulate_media(color_scheme=scheme)
        reader.check_with_axe(f"{color} {scheme}")


def test_missing_payment_shows_on_every_page_of_a_user(site, make_reader):
    site.add_missing_payment(ADDRESS)
    try:
        reader = make_reader(width=360, scheme="dark", language="en", is_logged_in=True)
        for path in ["", "pricing", "terms", *PERSONAL, "nothing"]:
            reader.open(path)
            banner = reader.page.get_by_role("complementary", name="Payment due")
            assert banner.get_by_role("link", name="Pay now").is_visible(), path
    finally:
        delete = "from billing.models import *; Payment.objects.all().delete(); Customer.objects.all().delete()"
        site.manage("shell", "-v", "0", "-c", delete)


def test_api_documentation_follows_the_color_scheme(make_reader):
    reader = make_reader(width=360, scheme="dark", language="en", is_logged_in=False)
    reader.page.goto(f"{reader.site.url}/api/docs/")
    reader.page.get_by_text("Authorization: Token").wait_for()
    expect(reader.page.locator("html")).to_have_class("dark-mode")
    expect(reader.page.locator(".swagger-ui")).to_have_css("background-color", "rgb(28, 32, 34)")
    reader.page.emulate_media(color_scheme="light")
    expect(reader.page.locator("html")).not_to_have_class("dark-mode")
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.console == []
