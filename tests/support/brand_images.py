"""Draws the pictures that must be files: the preview of links to the site, and icons for browsers without SVG icons.

`bin/brand-images` runs this file. It needs Chromium, which it finds in PATH.
"""

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import django
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from playwright.sync_api import Browser, ViewportSize

from tests.support.site import CHROMIUM, chromium

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
SHARE_SIZE: ViewportSize = {"width": 1200, "height": 630}
TOUCH_ICON_PIXELS = 180
FAVICON_PIXELS = (16, 32, 48)
SHARE_STYLE = """
body.share { flex-direction: row; align-items: center; gap: 64px; width: 1200px; height: 630px; padding: 0 0 0 80px;
  overflow: hidden; background: radial-gradient(70% 120% at 100% 50%, color-mix(in srgb, var(--brand) 22%, transparent),
  transparent), var(--background); }
.share > div:first-child { flex: 0 0 500px; }
.share .brand { margin: 0 0 36px; font-size: 30px; gap: 16px; }
.share .brand svg { width: 52px; height: 52px; }
.share h1 { margin: 0; font-size: 66px; line-height: 1.06; letter-spacing: -0.035em; }
.share .picture { flex: 0 0 760px; }
"""


def main() -> int:
    if CHROMIUM is None:
        print("Chromium isn't installed, or isn't in PATH.", file=sys.stderr)
        return 1
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
    django.setup()
    with chromium() as browser:
        files = dict(images(browser))
    for name, content in files.items():
        (STATIC / name).write_bytes(content)
        print(f"static/{name}: {len(content):,} bytes")
    return 0


def images(browser: Browser) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each file."""
    yield "share.png", share_image(browser)
    yield "icons/apple-touch-icon.png", icon(browser, TOUCH_ICON_PIXELS, is_square=True)
    yield "icons/favicon.ico", ico([(pixels, icon(browser, pixels)) for pixels in FAVICON_PIXELS])


def colors_and_letter() -> dict[str, str]:
    from accounts.pages.branding import palette  # noqa: PLC0415  # needs django.setup()

    return {**asdict(palette()), "letter": settings.BRAND_NAME.strip()[:1].upper()}


def share_image(browser: Browser) -> bytes:
    context = colors_and_letter()
    mark = mark_safe(render_to_string("brand.svg", context))
    html = render_to_string(
        "marketing/share.html", {"mark": mark, "name": settings.BRAND_NAME, "language": settings.LANGUAGE_CODE}
    )
    styles = [(STATIC / "site.css").read_text("utf-8"), render_to_string("brand.css", context), SHARE_STYLE]
    page = browser.new_page(viewport=SHARE_SIZE, color_scheme="light")
    page.set_content(html)
    for style in styles:
        page.add_style_tag(content=style)
    content = page.screenshot()
    page.close()
    return content


def icon(browser: Browser, pixels: int, *, is_square: bool = False) -> bytes:
    """Return a PNG of the brand's mark. Phones round the corners of a square icon themselves."""
    mark: str = render_to_string("brand.svg", colors_and_letter())
    if is_square:
        mark = mark.replace('rx="9"', 'rx="0"')
    page = browser.new_page(viewport={"width": pixels, "height": pixels})
    page.set_content(f"<style>body{{margin:0}}svg{{display:block;width:100vw;height:100vh}}</style>{mark}")
    content = page.screenshot(omit_background=True)
    page.close()
    return content


def ico(pictures: list[tuple[int, bytes]]) -> bytes:
    """Return an icon file that contains the PNGs: https://en.wikipedia.org/wiki/ICO_(file_format)."""
    offset = 6 + 16 * len(pictures)
    entries, data = b"", b""
    for pixels, png in pictures:
        entries += struct.pack("<BBBBHHII", pixels, pixels, 0, 0, 1, 32, len(png), offset + len(data))
        data += png
    return struct.pack("<HHH", 0, 1, len(pictures)) + entries + data


if __name__ == "__main__":
    sys.exit(main())
