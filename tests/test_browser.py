"""A complete user journey in headless Chromium against the site under production settings: sign up, confirm, log in,
reset the password, change the address, and undo the change. On a desktop and a phone; no page needs JavaScript.
"""

import pytest

from tests.support.site import CHROMIUM, Site
from tests.support.stack import HUNG_AFTER

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

PASSWORD, NEW_PASSWORD, LAST_PASSWORD = "correct horse battery", "an even better sentence", "a third sentence, then"
VISITORS = {
    "desktop": (1280, True),
    "phone": (360, True),
    "desktop without scripts": (1280, False),
    "phone without scripts": (360, False),
}


class Visitor:
    """One browser profile. Every page it visits must fit the window and log nothing to the console."""

    def __init__(self, browser, site: Site, width: int, scripts: bool) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=scripts, base_url=site.url
        )
        self.context.set_default_timeout(HUNG_AFTER * 1000)
        self.page = self.context.new_page()
        self.console_messages: list[str] = []
        self.page.on("console", lambda message: self.record_console(message.text))
        self.width = width

    def record_console(self, message: str) -> None:
        if "status of 400" not in message:  # a refused form logs this
            self.console_messages.append(message)

    def visit(self, address: str) -> None:
        self.page.goto(address)
        self.check()

    def submit(self, button: str, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f"main [name={name}]").fill(value)
        self.page.get_by_role("button", name=button, exact=True).click()
        self.page.wait_for_load_state()
        self.check()

    def check(self) -> None:
        assert self.page.locator("main h1").count() == 1
        box = self.page.locator("main").bounding_box()
        assert box
        assert box["width"] <= self.width
        assert not self.console_messages

    def sees(self, words: str) -> None:
        self.page.locator("main").get_by_text(words).first.wait_for()

    def is_at(self, path: str) -> None:
        self.page.wait_for_url(f"**{path}")


@pytest.mark.parametrize("name", VISITORS)
def test_complete_user_journey_works(site, browser, name):
    address, new_address = f"{name.replace(' ', '-')}@example.com", f"new-{name.replace(' ', '-')}@example.com"
    visitor = Visitor(browser, site, *VISITORS[name])

    visitor.visit("/")
    visitor.page.get_by_role("banner").get_by_role("link", name="Sign up").click()
    visitor.submit("Create account", name="Ada", email=address, password="short")
    visitor.sees("This password is too short.")
    visitor.submit("Create account", password=PASSWORD)
    visitor.is_at("/welcome")
    visitor.sees("Check your inbox")
    visitor.visit(site.link("welcome", address))
    visitor.submit("Confirm and log in", password=PASSWORD)
    visitor.is_at("/dashboard")
    visitor.sees("Hello, Ada")

    visitor.page.get_by_text("Your account", exact=True).locator("..").click()
    visitor.submit("Log out")
    visitor.visit("/dashboard")
    visitor.submit("Log in", email=address, password=PASSWORD)
    visitor.is_at("/dashboard")

    forgetful = Visitor(browser, site, *VISITORS[name])
    forgetful.visit("/forgot-password")
    forgetful.submit("Send me the link", email=address)
    forgetful.visit(site.link("password_reset", address))
    forgetful.submit("Set password", password=NEW_PASSWORD)
    forgetful.is_at("/login")
    visitor.visit("/dashboard")
    visitor.is_at("/login?next=/dashboard")

    visitor.submit("Log in", email=address, password=NEW_PASSWORD)
    visitor.visit("/settings/email")
    visitor.submit("Send link", email=new_address, password=NEW_PASSWORD)
    visitor.visit(site.link("email_change", new_address))
    visitor.submit("Confirm", password=NEW_PASSWORD)
    visitor.sees(new_address)
    visitor.visit(site.link("email_changed_notice", address))
    visitor.submit("Undo the change")
    visitor.is_at("/forgot-password/sent")
    visitor.visit(site.link("password_reset", address))
    visitor.submit("Set password", password=LAST_PASSWORD)
    visitor.submit("Log in", email=address, password=LAST_PASSWORD)
    visitor.sees(address)
    visitor.context.close()
    forgetful.context.close()


def test_login_works_with_the_keyboard_alone(site, browser):
    visitor = Visitor(browser, site, 1280, True)
    visitor.visit("/login")
    page = visitor.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "email"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "errors"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "email"
    visitor.context.close()
