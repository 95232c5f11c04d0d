"""axe-core finds no problem on any page, light or dark, in any brand color, and every page fits a phone."""

import json
from contextlib import closing
from dataclasses import asdict

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string

from accounts.pages import urls
from accounts.pages.branding import palette
from tests.support.site import CHROMIUM

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

ADDRESS, PASSWORD = "ada@example.com", "correct horse battery"
PHONE = {"width": 360, "height": 800}
SCHEMES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}}
PUBLIC = [
    "",
    "pricing",
    "terms",
    "privacy",
    "signup",
    "welcome",
    "login",
    "forgot-password",
    "forgot-password/sent",
    "verify-email?token=x",  # a link that doesn't work
    "undo-email-change?token=x",
    "nothing",
]
LINKS = ["verify-email", "reset-password", "confirm-email-change", "undo-email-change", "keep-email-address"]
PERSONAL = [
    "dashboard",
    "emails",
    "billing",
    "settings",
    "settings/email",
    "settings/email/keep",
    "settings/password",
    "settings/devices",
    "settings/data",
]
REFUSED = ["signup", "login"]  # submitted empty, so that the page shows errors
ERRORS = ["400", "403", "403_csrf", "413", "429", "500", "503"]


@pytest.fixture(scope="module")
def ada(site, browser):
    """The cookies of a logged-in user."""
    site.add_person(ADDRESS, PASSWORD)
    page = browser.new_page()
    for _ in range(2):
        page.context.clear_cookies()
        page.goto(f"{site.url}/login")
        page.fill("[name=email]", ADDRESS)
        page.fill("[name=password]", PASSWORD)
        with page.expect_navigation(url="**/dashboard"):
            page.keyboard.press("Enter")
    yield page.context.storage_state()
    page.context.close()


@pytest.fixture
def page(browser):
    with closing(browser.new_context(viewport=PHONE)) as context:
        yield context.new_page()


@pytest.fixture
def adas_page(browser, ada):
    with closing(browser.new_context(viewport=PHONE, storage_state=ada)) as context:
        yield context.new_page()


def check_page(page) -> None:
    """Check light mode by all rules, and dark mode, where only the colors differ, by the rules for colors."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        results = Axe().run(page, options=options)
        assert results.violations_count == 0, f"{scheme}: {results.generate_report()}"


@pytest.mark.parametrize("path", PUBLIC)
def test_public_page_is_accessible(site, page, path):
    page.goto(f"{site.url}/{path}")
    check_page(page)


@pytest.fixture(scope="module")
def links(site, tmp_path_factory):
    """Working links from emails, by path."""
    path = tmp_path_factory.mktemp("links") / "links.json"
    site.manage(
        "shell",
        "-v",
        "0",
        "-c",
        "import json, pathlib\n"
        "from accounts.models import User\n"
        "from accounts.tests.support.links import tokens_of\n"
        f"user, new = (User.objects.create_user(f'{{name}}@example.com', {PASSWORD!r}, name='Grace')\n"
        "    for name in ('grace', 'new'))\n"
        f"pathlib.Path({str(path)!r}).write_text(json.dumps(tokens_of(user, new)))\n",
    )
    return {page.strip("/"): f"{page}?token={token}" for page, token in json.loads(path.read_text()).items()}


@pytest.mark.parametrize("path", LINKS)
def test_page_of_a_link_is_accessible(site, page, links, path):
    page.goto(f"{site.url}{links[path]}")
    assert page.locator("main form").count() == 1
    check_page(page)


def test_page_of_a_link_with_errors_is_accessible(site, page, links):
    page.goto(f"{site.url}{links['reset-password']}")
    with page.expect_navigation():
        page.locator("main form button").click()
    assert page.locator("main .errors").count() == 1
    check_page(page)


@pytest.mark.parametrize("color", ["#ffe600", "#ffffff", "#000000"])
def test_unreadable_brand_color_stays_accessible(site, page, settings, color):
    settings.BRAND_COLOR = color
    colors = render_to_string("brand.css", asdict(palette()))
    page.route("**/brand.css*", lambda route: route.fulfill(body=colors, content_type="text/css"))
    page.goto(f"{site.url}/login")
    check_page(page)


@pytest.mark.parametrize("path", PERSONAL)
def test_personal_page_is_accessible(site, adas_page, path):
    adas_page.goto(f"{site.url}/{path}")
    assert adas_page.url == f"{site.url}/{path}"
    check_page(adas_page)


@pytest.mark.parametrize("path", ["dashboard", "billing"])
def test_banner_is_accessible(site, adas_page, path):
    site.add_missing_payment(ADDRESS)
    try:
        adas_page.goto(f"{site.url}/{path}")
        assert (
            adas_page.get_by_role("complementary", name="Payment due").get_by_role("link", name="Pay now").is_visible()
        )
        check_page(adas_page)
        adas_page.set_viewport_size({"width": 1280, "height": 800})
        assert Axe().run(adas_page).violations_count == 0
    finally:
        site.manage(
            "shell",
            "-v",
            "0",
            "-c",
            "from billing.models import *; Payment.objects.all().delete(); Customer.objects.all().delete()",
        )


@pytest.mark.parametrize("path", REFUSED)
def test_form_with_errors_is_accessible(site, page, path):
    page.goto(f"{site.url}/{path}")
    with page.expect_navigation():
        page.locator("main form button").click()
    assert page.locator("main .errors").count() == 1
    check_page(page)


@pytest.mark.parametrize("name", ERRORS)
def test_error_page_is_accessible(site, page, name):
    html = render_to_string(f"{name}.html", {"minutes": 3} if name == "429" else None)
    page.route("**/rendered", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{site.url}/rendered")
    check_page(page)


def test_every_page_is_covered():
    paths = {f"/{path.partition('?')[0]}" for path in PUBLIC + LINKS + PERSONAL}
    left_out = {pattern.name for pattern in urls.urlpatterns if not any(covers(pattern, path) for path in paths)}
    # tests/test_person_browser.py opens the pages of single emails.
    of_one_email = {"email", "email-html", "email-file"}
    assert left_out == {"logout", "language", "settings-devices-all", "settings-export", *of_one_email}


def covers(pattern, path: str) -> bool:
    return pattern.resolve(path.removeprefix("/")) is not None
