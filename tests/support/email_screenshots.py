"""Takes a picture of every email: 600 and 320 pixels wide, in light and in dark mode.

`bin/email-screenshots` runs this file. It writes docs/emails/<kind>.webp and the end of docs/emails.md, and needs
Chromium, which it finds in PATH.
"""

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings
from django.test.utils import override_settings
from playwright.sync_api import Browser, Page, ViewportSize

from emails import samples
from tests.support.site import CHROMIUM, chromium

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs" / "emails"
PAGE = ROOT / "docs" / "emails.md"
MARK = "<!-- bin/email-screenshots writes what follows. -->\n"
VIEWS = [(600, "light"), (600, "dark"), (320, "light"), (320, "dark")]
SHEET = "body{margin:0;padding:16px;display:inline-flex;gap:16px;align-items:flex-start;background:#8a8f99}"
QUALITY = 75  # percent
TRANSLATED = ("welcome", "receipt")  # also in all other languages
BRAND = {
    "BRAND_NAME": "Acme",
    "BRAND_COLOR": "#2456d6",
    "BRAND_LOGO_URL": "",
    "BRAND_ADDRESS": "1 Example Street, Springfield, IL 62701, USA",
    "BRAND_TAX_ID": "EU372000041",
    "SUPPORT_EMAIL": "support@acme.example",
}


def main() -> int:
    if CHROMIUM is None:
        print("Chromium isn't installed, or isn't in PATH.", file=sys.stderr)
        return 1
    django.setup()
    FOLDER.mkdir(exist_ok=True)
    with chromium() as browser, override_settings(**BRAND):
        wanted = dict(pictures(browser))
        page = PAGE.read_text("utf-8").partition(MARK)[0] + MARK + listing([path.name for path in wanted])
    for path in {*FOLDER.glob("*.webp")} - wanted.keys():
        path.unlink()
    for path, picture in wanted.items():
        path.write_bytes(picture)
        print(f"{path.relative_to(ROOT)}: {len(picture):,} bytes")
    PAGE.write_text(page, "utf-8")
    return 0


def listing(names: list[str]) -> str:
    """Return the part of the page that shows the pictures."""
    lines = []
    for name in names:
        kind, language, *_ = [*name.removesuffix(".webp").split("."), ""]
        subject = samples.render_sample(kind, language or settings.LANGUAGE_CODE).subject
        suffix = f" in {dict(settings.LANGUAGES)[language]}" if language else ""
        lines.append(f"\n### {kind}{suffix}\n\n*{subject}*\n\n![The email {kind}{suffix}](emails/{name})\n")
    return "".join(lines)


def pictures(browser: Browser) -> Iterator[tuple[Path, bytes]]:
    """Yield the file and the picture of every kind, and of some kinds in the other languages."""
    for kind in samples.folders():
        for language, _ in settings.LANGUAGES:
            is_default = language == settings.LANGUAGE_CODE
            if is_default or kind in TRANSLATED:
                name = f"{kind}.webp" if is_default else f"{kind}.{language}.webp"
                yield FOLDER / name, picture_of(browser, samples.render_sample(kind, language).html)


def picture_of(browser: Browser, html: str) -> bytes:
    """Return all views of an email side by side, as a WebP, which is a fifth of the size of a PNG."""
    views = [base64.b64encode(screenshot(browser, html, width, mode)).decode() for width, mode in VIEWS]
    images = "".join(f'<img src="data:image/png;base64,{view}">' for view in views)
    with opened(browser, f"<style>{SHEET}</style>{images}", 2000, "light") as page:
        clip = {**(page.locator("body").bounding_box() or {}), "scale": 1}
        command = {"format": "webp", "quality": QUALITY, "clip": clip, "captureBeyondViewport": True}
        return base64.b64decode(page.context.new_cdp_session(page).send("Page.captureScreenshot", command)["data"])


def screenshot(browser: Browser, html: str, width: int, mode: str) -> bytes:
    """Return a PNG of the whole email."""
    with opened(browser, html, width, mode) as page:
        return page.screenshot(full_page=True)


@contextmanager
def opened(browser: Browser, html: str, width: int, mode: str) -> Iterator[Page]:
    viewport: ViewportSize = {"width": width, "height": 200}
    page = browser.new_page(viewport=viewport, color_scheme="dark" if mode == "dark" else "light")
    try:
        page.set_content(html)
        yield page
    finally:
        page.close()


if __name__ == "__main__":
    sys.exit(main())
