"""Every page of the admin fits a phone and a laptop, is accessible in light and dark, and works without JavaScript."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.models import User
from billing.models import Payment
from emails.models import DeliveryEvent, OutboundEmail, Suppression
from operations.models import Report
from tests.support.site import CHROMIUM, Site

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")]

ADDRESS, PASSWORD = "root@example.com", "correct horse battery"
PHONE, LAPTOP = {"width": 360, "height": 800}, {"width": 1280, "height": 900}
# In dark mode, only the colors differ.
SCHEMES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}}
CHECKED = {"exclude": [[".search-label-icon"]]}  # Django's own widget for permissions labels two spans
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
SEED = f"""
from django.utils import timezone
from accounts.models import User
from tests.support.every_state import make_every_state
User.objects.create_superuser({ADDRESS!r}, {PASSWORD!r}, name="Root", email_verified_at=timezone.now())
make_every_state()
"""
# Elements that reach beyond the window, unless they are in a part of the page that scrolls on its own.
OVERFLOWING = """() => [...document.querySelectorAll("body *")].filter(element => {
    const box = element.getBoundingClientRect();
    if (!box.width || box.right <= innerWidth + 1) return false;
    for (let outer = element.parentElement; outer; outer = outer.parentElement)
        if (getComputedStyle(outer).overflowX !== "visible") return false;
    return true;
}).map(element => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """Provide a site of its own, because its rows are in every state that there is."""
    with Site(tmp_path_factory.mktemp("admin")) as site:
        site.manage("shell", "-v", "0", "-c", SEED)
        yield site


@pytest.fixture(scope="module")
def session(site, browser):
    """The cookies of a superuser."""
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{site.url}/admin/login/")
        page.fill("[name=username]", ADDRESS)
        page.fill("[name=password]", PASSWORD)
        with page.expect_navigation(url="**/admin/"):
            page.keyboard.press("Enter")
        return context.storage_state()


@pytest.fixture(scope="module")
def laptop(browser, session):
    with closing(browser.new_context(viewport=LAPTOP, storage_state=session, reduced_motion="reduce")) as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def without_scripts(browser, session):
    with closing(browser.new_context(viewport=PHONE, storage_state=session, java_script_enabled=False)) as context:
        yield context.new_page()


def list_of(model) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def first_row(page) -> str:
    """Return the path of the page of the first row in the list that is open."""
    return str(page.locator("#result_list tbody a[href*='/change/']").first.get_attribute("href")).partition("?")[0]


def check(page) -> None:
    """Check the page that is open, by all rules in light mode and by the rules for colors in dark mode."""
    for size in (PHONE, LAPTOP):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], page.url
        assert not page.evaluate(OVERFLOWING), page.url
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        results = Axe().run(page, context=CHECKED, options=options)
        assert results.violations_count == 0, f"{page.url} {scheme}: {results.generate_report()}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_list_and_page_of_a_row_are_accessible(site, laptop, model):
    laptop.goto(f"{site.url}{list_of(model)}")
    check(laptop)
    if model is not Report:  # one page in place of the list, and no pages for rows
        laptop.goto(f"{site.url}{first_row(laptop)}")
        check(laptop)


def test_login_page_is_accessible(site, browser):
    with closing(browser.new_context(viewport=PHONE, reduced_motion="reduce")) as context:
        page = context.new_page()
        page.goto(f"{site.url}/admin/login/")
        assert page.title() == "Log in | Acme"
        check(page)


@pytest.mark.parametrize("path", ["password_change/", "emails/suppression/add/", "emails/outboundemail/?q=nobody@else"])
def test_other_pages_are_accessible(site, laptop, path):
    laptop.goto(f"{site.url}/admin/{path}")
    check(laptop)


@pytest.mark.parametrize("model", [User, Group, Suppression], ids=lambda model: model._meta.label)
def test_confirmations_are_accessible(site, laptop, model):
    laptop.goto(f"{site.url}{list_of(model)}")
    path = first_row(laptop)
    laptop.locator("#result_list input.action-select").last.check()
    laptop.select_option("select[name=action]", "delete_selected")
    with laptop.expect_navigation():
        laptop.click(".actions button")
    assert "Are you sure" in laptop.inner_text("main")
    check(laptop)
    laptop.goto(f"{site.url}{path.replace('/change/', '/delete/')}")
    check(laptop)
    laptop.goto(f"{site.url}{path.replace('/change/', '/history/')}")
    check(laptop)


def test_filter_narrows_a_list_without_scripts(site, without_scripts):
    page = without_scripts
    page.goto(f"{site.url}{list_of(OutboundEmail)}")
    page.click(".operator-filter summary:has-text('Status')")
    with page.expect_navigation():
        page.click(".operator-filter a:has-text('Bounced')")
    assert page.locator("#result_list .badge").all_inner_texts() == ["Bounced"]
    assert page.inner_text(".operator-filter.is-active summary").split() == ["Status:", "Bounced"]
    page.click("text=Clear all filters")
    assert page.locator("#result_list .badge").count() > 10


def test_action_on_a_list_works_without_scripts(site, without_scripts):
    page = without_scripts
    page.goto(f"{site.url}{list_of(OutboundEmail)}?status__exact=cancelled")
    page.locator("input.action-select").check()
    page.select_option("select[name=action]", "retry")
    with page.expect_navigation():
        page.click(".actions button")
    assert "Retried. (1)" in page.inner_text(".messagelist")


def test_message_page_shows_the_email_early_and_details_on_demand(site, without_scripts):
    page = without_scripts
    page.set_viewport_size(LAPTOP)
    page.goto(f"{site.url}{list_of(OutboundEmail)}?status__exact=bounced")
    page.goto(f"{site.url}{first_row(page)}")
    panel, frame = page.locator(".operator-panel").bounding_box(), page.locator("iframe").bounding_box()
    history = page.locator(".history").bounding_box()
    assert panel["y"] + panel["height"] < frame["y"] < LAPTOP["height"]
    assert frame["y"] + frame["height"] < history["y"]
    assert page.locator("text=Idempotency key").is_hidden()
    page.click("summary:has-text('Details')")
    assert page.locator("text=Idempotency key").is_visible()


@pytest.mark.parametrize("model", [OutboundEmail, Payment, DeliveryEvent], ids=lambda model: model._meta.label)
def test_values_have_titles_on_a_phone(site, without_scripts, model):
    page = without_scripts
    page.set_viewport_size(PHONE)
    page.goto(f"{site.url}{list_of(model)}")
    cell = page.locator("#result_list tbody td[data-label]").first
    assert (
        cell.evaluate("cell => getComputedStyle(cell, '::before').content") == f'"{cell.get_attribute("data-label")}"'
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
