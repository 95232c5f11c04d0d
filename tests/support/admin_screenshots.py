"""Takes pictures of the admin's lists with a row in every state: light, dark, in gray, and on a phone.

Run it with a folder: python -m tests.support.admin_screenshots var/screenshots
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, ViewportSize

from tests.support.site import Site, chromium

ADDRESS, PASSWORD = "root@example.com", "correct horse battery"
SEED = f"""
from django.utils import timezone
from accounts.models import User
from tests.support.every_state import make_every_state
User.objects.create_superuser({ADDRESS!r}, {PASSWORD!r}, name="Root", email_verified_at=timezone.now())
make_every_state()
"""
LISTS = (
    "emails/outboundemail",
    "emails/deliveryattempt",
    "emails/deliveryevent",
    "emails/providerstate",
    "emails/suppression",
    "billing/payment",
    "billing/subscription",
    "billing/dispute",
    "billing/stripeevent",
)
GRAY = "document.documentElement.style.filter = 'grayscale(1)'"
SIZES: dict[str, ViewportSize] = {"laptop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 800}}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as directory, Site(Path(directory)) as site, chromium() as browser:
        site.manage("shell", "-v", "0", "-c", SEED)
        page = browser.new_context(viewport=SIZES["laptop"], reduced_motion="reduce").new_page()
        page.goto(f"{site.url}/admin/login/")
        page.fill("[name=username]", ADDRESS)
        page.fill("[name=password]", PASSWORD)
        with page.expect_navigation(url="**/admin/"):
            page.keyboard.press("Enter")
        for path in LISTS:
            take_pictures(page, f"{site.url}/admin/{path}/", folder / path.partition("/")[2])


def take_pictures(page: Page, url: str, name: Path) -> None:
    """Store one picture for each size and scheme, and one in which states differ by shapes and words only."""
    page.goto(url)
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{name}-{size}-{scheme}.png", full_page=True)
    page.set_viewport_size(SIZES["laptop"])
    page.emulate_media(color_scheme="light")
    page.evaluate(GRAY)
    page.screenshot(path=f"{name}-gray.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
