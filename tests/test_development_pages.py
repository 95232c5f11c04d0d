"""The inbox and the gallery in Chromium: links, arrival, the viewer, simulation, accessibility, and without scripts."""

import time
from contextlib import closing

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from emails import samples
from emails.lint.colors import Color, contrast, parse
from emails.lint.email import rendered_with_marks
from emails.lint.rules.colors import MIN_CONTRAST
from tests.support.development_site import DevelopmentSite
from tests.support.site import CHROMIUM

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

LONG = 60_000  # milliseconds; much longer than a busy machine needs
PHONE, DESKTOP = {"width": 360, "height": 800}, {"width": 1280, "height": 860}
TABS = ("html", "text", "source", "headers", "attachments", "checks", "history")
MALICIOUS = """<!doctype html><html><head><meta http-equiv="refresh" content="0;url=/hacked-refresh">
<link rel="stylesheet" href="/hacked-style"></head><body onload="parent.hacked = 1">
<script>parent.hacked = 2; document.location = "/hacked-script"</script>
<script src="/hacked-source"></script><img src="x" onerror="parent.hacked = 3"><svg onload="parent.hacked = 4"></svg>
<iframe src="/hacked-frame"></iframe><object data="/hacked-object"></object><embed src="/hacked-embed">
<form action="/hacked-form"><button id="submit">Submit</button></form>
<a id="script" href="javascript:opener.hacked = 5">Script</a>
<a id="top" target="_top" href="/dev/emails/?from-email">Top</a>
<style>@import "/hacked-import"; @font-face { font-family: x; src: url(/hacked-font) } p { font-family: x }</style>
<p>Text</p></body></html>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with DevelopmentSite(tmp_path_factory.mktemp("development")) as site:
        yield site


@pytest.fixture
def page(browser):
    with closing(browser.new_context(viewport=DESKTOP)) as context:
        context.set_default_timeout(LONG)
        yield context.new_page()


def newest(site) -> str:
    """Return the path of the newest email."""
    messages = requests.get(f"{site.url}/dev/inbox.json", timeout=60).json()["messages"]
    return f"{site.url}/dev/inbox/{messages[0]['id']}/"


def test_first_email_arrives_live_and_its_button_opens_the_page(site, page):
    page.goto(f"{site.url}/dev/inbox/")
    page.evaluate("window.isSamePage = true")
    count = page.locator(".row").count()
    site.sign_up("ada@example.com")
    queued_at = time.monotonic()
    expect(page.locator(".row")).to_have_count(count + 1, timeout=LONG)
    print(f"Arrival: shown {time.monotonic() - queued_at:.2f} s after the response to the sign-up.")
    assert page.evaluate("window.isSamePage")  # no reload
    page.locator(".row").first.click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("HTML")
    with page.context.expect_page() as opened:
        page.frame_locator(".stage iframe").get_by_role("link", name="Confirm").click()
    confirmation = opened.value
    confirmation.wait_for_load_state()
    assert confirmation.url.startswith(f"{site.url}/verify-email")
    assert confirmation.locator("[name=password]").is_visible()
    assert confirmation.evaluate("window.opener") is None

    # The state changes while the page is open.
    expect(page.locator("#live-state .status")).to_have_text("queued")
    site.deliver()
    expect(page.locator("#live-state .status")).to_have_text("sent", timeout=LONG)
    expect(page.locator("#live-state")).to_contain_text("Nothing was sent, because EMAIL_PROVIDER is console.")
    page.get_by_text("Simulate", exact=True).click()
    page.get_by_role("button", name="Bounced").click()
    expect(page.locator(".notice")).to_contain_text("Simulated “bounced” in resend's format. The email is bounced.")
    expect(page.locator("#live-state .status")).to_have_text("bounced")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".history")).to_contain_text("550 5.1.1 The mailbox doesn't exist (simulated)")


def test_viewer_switches_width_colors_tabs_and_searches(site, page):
    site.sign_up("grace@example.com")
    page.goto(newest(site))
    frame = page.locator(".stage iframe")
    for width in (320, 600):
        page.get_by_role("link", name=str(width), exact=True).click()
        assert frame.bounding_box()["width"] == width
    page.emulate_media(color_scheme="light")
    seen = {}
    for label in ("Light", "Dark", "Darkened", "Inverted"):
        page.get_by_role("link", name=label, exact=True).click()
        assert frame.bounding_box()["width"] == 600  # other choices stay
        handle = frame.element_handle().content_frame()
        handle.wait_for_load_state()
        colors = handle.evaluate("[...document.querySelectorAll('h1')].map(e => getComputedStyle(e).color)[0]")
        background = handle.evaluate(
            "(() => { for (let e = document.querySelector('h1'); e; e = e.parentElement) {"
            " const c = getComputedStyle(e).backgroundColor; if (c !== 'rgba(0, 0, 0, 0)') return c } })()"
        )
        seen[label] = (colors, background)
        assert contrast(color_of(colors), color_of(background)) >= MIN_CONTRAST, label
    assert len({background for _, background in seen.values()}) >= 3, seen
    contents = {"Text": "/verify-email?token=", "Source": "Content-Type: multipart/alternative", "Headers": "From"}
    for tab, words in contents.items():
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.locator("main")).to_contain_text(words)
    with page.expect_download() as download:
        page.get_by_role("link", name="Source", exact=True).click()
        page.get_by_role("link", name="Download as .eml").click()
    assert download.value.suggested_filename.endswith(".eml")
    page.get_by_label("Search emails").fill("to:grace")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    site.sign_up("hedy@example.com")  # doesn't match, so it doesn't appear
    page.get_by_label("Search emails").fill("hedy")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text("hedy@example.com")


def test_malicious_email_does_nothing(site, page):
    site.queue(MALICIOUS, subject="Malicious")
    page.on("dialog", lambda dialog: pytest.fail("a dialog opened"))
    page.goto(newest(site))
    frame = page.frame_locator(".stage iframe")
    expect(frame.locator("p")).to_have_text("Text")
    frame.locator("#submit").click()
    frame.locator("#script").click()
    frame.locator("#top").click()  # in a new tab, and not in place of the inbox
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    assert page.url == newest(site)
    assert "hacked" not in (site.directory / "web.log").read_text()  # nothing was requested
    assert frame.locator("p").inner_text() == "Text"


def test_pages_are_accessible_and_fit_a_phone(site, browser):
    site.queue("<p>With a file</p>", files="[('a.txt', 'x', 'text/plain')]")
    email = newest(site)
    paths = [f"{site.url}/dev/inbox/", f"{site.url}/dev/inbox/?q=nothing", *(f"{email}?tab={tab}" for tab in TABS)]
    paths += [f"{email}?width=600&scheme=dark", f"{site.url}/dev/emails/"]
    paths += [f"{site.url}/dev/emails/receipt/?tab={tab}" for tab in ("html", "checks", "sample", "templates")]
    with closing(browser.new_context(viewport=PHONE)) as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        for path in paths:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                results = Axe().run(page, options={"iframes": False})
                assert results.violations_count == 0, f"{path} {scheme}: {results.generate_report()}"
        assert faults == []


def test_everything_works_without_javascript(site, browser):
    with closing(browser.new_context(viewport=DESKTOP, java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(f"{site.url}/dev/inbox/")
        site.sign_up("noscript@example.com")
        page.get_by_role("link", name="Reload").click()
        row = page.locator(".row", has_text="noscript@example.com")
        row.click()
        page.get_by_role("link", name="320", exact=True).click()
        page.get_by_role("link", name="Text", exact=True).click()
        expect(page.locator(".text")).to_contain_text("/verify-email?token=")
        page.get_by_text("Send me this").click()
        page.get_by_label("Your email address").fill("me@dev.example")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.locator(".notice")).to_contain_text("Nothing was sent, because EMAIL_PROVIDER is console.")
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.locator(".notice")).to_have_text("Deleted.")
        expect(row).to_have_count(0)
        page.goto(f"{site.url}/dev/emails/")
        page.get_by_role("link", name="receipt", exact=True).click()
        page.get_by_role("link", name="Deutsch").click()
        page.get_by_role("link", name="Checks").click()
        expect(page.locator("main")).to_contain_text("No findings")


# Contrast, as Chromium computes it


def color_of(text: str) -> Color:
    found = parse(text)
    assert found is not None, text
    return found


COLORS = ["#2456d6", "#ffe600", "#ffffff", "#000000", "#e11d48", "#7f7f7f"]
TEXTS_AND_COLORS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility({ opacityProperty: true }) || element.closest("style, script")) continue;
    const backgrounds = [];
    for (let one = element; one; one = one.parentElement) backgrounds.push(getComputedStyle(one).backgroundColor);
    found.push([text.slice(0, 40), getComputedStyle(element).color, backgrounds]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_rendered_text_links_and_buttons_are_readable_in_every_brand_color(page, settings, scheme):
    page.emulate_media(color_scheme=scheme)
    lowest = 21.0
    for settings.BRAND_COLOR in COLORS:
        for kind in samples.folders():
            page.set_content(samples.render_sample(kind, "en").html)
            texts = page.evaluate(TEXTS_AND_COLORS)
            assert len(texts) > 5
            for text, color, backgrounds in texts:
                layers = [layer for one in backgrounds if (layer := parse(one)) and layer.alpha]
                background = color_of("#121212" if scheme == "dark" else "#ffffff")
                for layer in reversed(layers):
                    background = layer.over(background)
                ratio = contrast(color_of(color).over(background), background)
                lowest = min(lowest, ratio)
                assert ratio >= MIN_CONTRAST, f"{kind} {settings.BRAND_COLOR}: {text!r} {color} on {background.hex}"
    print(f"The lowest contrast in {scheme} mode is {lowest:.2f}.")


def test_styles_of_the_lint_agree_with_chromium(page):
    """The lint computes colors itself. Each text must have the same color there as in the browser."""
    for kind in ("receipt", "welcome"):
        email = rendered_with_marks(kind, samples.sample_context(kind), "en")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.set_content(email.html)
            styles = email.styles(scheme)
            ours = [styles.color(element).hex for element, _ in email.visible_texts()]
            theirs = [color_of(color).hex for _, color, _ in page.evaluate(TEXTS_AND_COLORS)]
            assert ours == theirs
