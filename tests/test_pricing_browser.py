"""The plans in Chromium, without JavaScript: narrow and wide, in both languages, for visitors and for users."""

from contextlib import closing

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.site import CHROMIUM, Site

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

ADDRESS, PASSWORD = "ada@example.com", "correct horse battery"
WIDTHS = (360, 1280)
PATHS = ("/pricing", "/pricing?interval=year", "/billing?plan=team&interval=year")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    environment = {"DJANGO_SETTINGS_MODULE": "tests.support.shop_settings", "STRIPE_SECRET_KEY": "sk_test_shop"}
    with Site(tmp_path_factory.mktemp("shop"), **environment, STRIPE_LIVEMODE="false") as site:
        site.add_person(ADDRESS, PASSWORD)
        yield site


@pytest.fixture(scope="module")
def ada(shop, browser):
    """The cookies of a logged-in user."""
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{shop.url}/login")
        page.fill("[name=email]", ADDRESS)
        page.fill("[name=password]", PASSWORD)
        with page.expect_navigation(url="**/dashboard"):
            page.keyboard.press("Enter")
        return context.storage_state()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["en", "de"])
def test_plans_fit_and_are_accessible(shop, browser, ada, width, language):
    for scheme, state in (("light", None), ("dark", ada)):
        options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "storage_state": state}
        with closing(browser.new_context(locale=language, **options)) as context:
            page = context.new_page()
            for path in PATHS if state else PATHS[:2]:
                page.goto(shop.url + path)
                wider = "[...document.querySelectorAll('main *')].filter(e => e.scrollWidth > e.clientWidth + 1)"
                overflowing = f"{wider}.filter(e => !e.matches('.visually-hidden, span')).map(e => e.className)"
                assert page.evaluate(overflowing) == []
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                results = Axe().run(page)
                assert results.violations_count == 0, f"{path}: {results.generate_report()}"


def test_visitor_gets_from_a_plan_to_the_checkout_button_without_javascript(shop, browser):
    with closing(browser.new_context(java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(f"{shop.url}/pricing")
        page.click("text=Yearly")
        page.click("section[aria-labelledby=plan-team] a.button")
        assert "/signup?next=%2Fbilling%3Fplan%3Dteam%26interval%3Dyear" in page.url
        page.fill("[name=name]", "Grace")
        page.fill("[name=email]", "grace@example.com")
        page.fill("[name=password]", PASSWORD)
        page.click("main form button")
        page.goto(shop.link("welcome", "grace@example.com"))
        page.fill("[name=password]", PASSWORD)
        page.click("main form button")
        assert page.url == f"{shop.url}/billing?plan=team&interval=year"
        assert page.input_value("section[aria-labelledby=plan-team] [name=quantity]") == "2"
        assert page.locator("section[aria-labelledby=plan-team] button").inner_text().strip() == "Choose Team"
