"""The pages for changing and canceling a plan in Chromium: on a phone and a desktop, in both languages, and without
scripts. Axe finds nothing.
"""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from billing.tests.support.changes import bought, fill
from billing.tests.support.stripe_billing import DAY, StripeBilling
from billing.tests.support.stripe_standin import KEY
from tests.support.site import CHROMIUM, Site, chromium

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

ADDRESS, PASSWORD = "ada@own.example", "correct horse battery"
PAGES = ["/billing", "/billing/change", "/billing/change/confirm?offer=team-month-1&quantity=5", "/billing/cancel"]
PICTURES = os.environ.get("PICTURES", "")
SUBSCRIBE = """
from accounts.models import User
from billing.gateway.api import StripeApi
from billing.models import Customer
from billing.services.changes.steps import ask
Customer.objects.create(pk="cus_1", user=User.objects.get(), is_marked=True)
ask(StripeApi(), "{}")
"""
WORDS = {
    "en": ("Change plan", "See what it costs", "Pay $44.00 and change", "Your plan has been changed.", "Keep my plan"),
    "de": (
        "Tarif wechseln",
        "Kosten ansehen",
        "44,00 $ zahlen und wechseln",
        "Ihr Tarif wurde gewechselt.",
        "Tarif behalten",
    ),
}


@pytest.fixture(scope="module")
def stripe() -> Iterator[StripeBilling]:
    with StripeBilling() as stripe:
        fill(stripe)
        stripe.customers["cus_1"] = {"id": "cus_1", "object": "customer", "email": ADDRESS}
        yield stripe


@pytest.fixture(scope="module")
def subscription(stripe):
    return stripe.subscribe("cus_1", [("price_pro", 1)])


@pytest.fixture(scope="module")
def site(tmp_path_factory, stripe, subscription) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    stripe_variables = {"STRIPE_SECRET_KEY": KEY, "STRIPE_API_URL": stripe.url, "STRIPE_LIVEMODE": "false"}
    settings = {"DJANGO_SETTINGS_MODULE": "tests.support.billing_site_settings"}
    with Site(directory, **stripe_variables, **settings) as site:
        site.add_person(ADDRESS, PASSWORD)
        site.manage("shell", "-v", "0", "-c", SUBSCRIBE.format(subscription["id"]))
        yield site


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def cookies(site, browser):
    page = browser.new_page()
    page.goto(f"{site.url}/login")
    page.fill("[name=email]", ADDRESS)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation(url="**/dashboard"):
        page.keyboard.press("Enter")
    yield page.context.storage_state()
    page.context.close()


def picture(page, name: str) -> None:
    """Store a screenshot if PICTURES names a folder."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("width", [360, 1280])
def test_pages_are_accessible_and_fit(site, browser, cookies, width):
    with closing(browser.new_context(viewport={"width": width, "height": 800}, storage_state=cookies)) as context:
        page = context.new_page()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for number, path in enumerate(PAGES):
                page.goto(f"{site.url}{path}")
                assert page.url == f"{site.url}{path}"
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                results = Axe().run(page)
                assert results.violations_count == 0, f"{path} {scheme}: {results.generate_report()}"
                picture(page, f"{number}-{width}-{scheme}")


@pytest.mark.parametrize(("width", "language"), [(360, "en"), (1280, "de")])
def test_person_changes_the_plan_without_scripts(site, browser, cookies, stripe, subscription, width, language):
    start = int(time.time()) - 10 * DAY
    dates = {"current_period_start": start, "current_period_end": start + 30 * DAY}
    subscription["items"]["data"][0] |= {"price": stripe.catalog["price_pro"], "quantity": 1, **dates}
    change, costs, pay, done, keep = WORDS[language]
    options = {"viewport": {"width": width, "height": 800}, "storage_state": cookies, "java_script_enabled": False}
    with closing(browser.new_context(**options)) as context:
        page = context.new_page()
        page.goto(f"{site.url}/billing")
        page.locator(f"footer button[lang={language}]").click()
        page.goto(f"{site.url}/billing/change")
        page.locator("[value=team-month-1]").check()
        page.locator("[name=quantity]").fill("5")
        picture(page, f"choose-{width}-{language}")
        page.get_by_role("button", name=costs).click()
        picture(page, f"confirm-{width}-{language}")
        page.get_by_role("button", name=pay).click()
        page.get_by_text(done).wait_for()
        picture(page, f"done-{width}-{language}")
        assert bought(subscription) == [("price_team", 5)]
        page.goto(f"{site.url}/billing/change/confirm?offer=pro-month-1")
        picture(page, f"scheduled-{width}-{language}")
        page.get_by_role("button", name=change).click()
        picture(page, f"waiting-{width}-{language}")
        page.get_by_role("link", name=keep).click()
        page.get_by_role("button", name=keep).click()
        assert subscription["schedule"] is None
