"""Takes the pictures of pages in README and docs, with made-up people.

`bin/screenshots` runs this file. It starts the site on a database of its own, fills it with `seed_demo`, writes
docs/pictures/, and needs Chromium, which it finds in PATH.
"""

import base64
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.development_site import DevelopmentSite
from tests.support.site import CHROMIUM, chromium
from tests.support.stack import ROOT

FOLDER = ROOT / "docs" / "pictures"
QUALITY = 80  # percent
HEIGHT = 900
PASSWORD = "a-long-engine-1843"
STAFF = "operator@example.com"
NOBODY, CUSTOMER, OPERATOR = "", "customer", "operator"
BRAND = {
    "BRAND_NAME": "Acme",
    "DEFAULT_FROM_EMAIL": "Acme <hello@acme.example>",
    "SUPPORT_EMAIL": "support@acme.example",
}

# A member of staff, and a customer with receipts who can log in.
PREPARE = f"""
from django.db.models.functions import Now
from accounts.models import User
from emails.privacy import emails_of
from operations.models import Heartbeat
for role in ("worker", "beat"):
    Heartbeat.objects.create(name=role, role=role, started_at=Now(), seen_at=Now())
User.objects.create_superuser({STAFF!r}, {PASSWORD!r}, name="Grace Hopper")
paying = User.objects.filter(stripe_customers__subscriptions__status="active", language="en")
user = paying.filter(email_verified_at__isnull=False).order_by("-date_joined")[100]
user.set_password({PASSWORD!r})
user.save()
print(user.email, user.pk, emails_of(str(user.pk)).filter(kind="receipt").first().pk)
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """One page, as one person sees it."""

    name: str
    path: str
    person: str = NOBODY
    scheme: str = "light"
    width: int = 1280
    is_whole_page: bool = False

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}.webp"


PICTURES = [
    Picture("home", "/"),
    Picture("home-dark", "/", scheme="dark"),
    Picture("pricing", "/pricing"),
    Picture("dashboard", "/dashboard", CUSTOMER),
    Picture("dashboard-dark", "/dashboard", CUSTOMER, scheme="dark"),
    Picture("operator-home", "/admin/", OPERATOR, is_whole_page=True),
    Picture("operator-home-dark", "/admin/", OPERATOR, scheme="dark"),
    Picture("operator-emails", "/admin/emails/outboundemail/", OPERATOR),
    Picture("operator-person", "/admin/accounts/user/{user}/change/", OPERATOR),
    Picture("operator-email", "/admin/emails/outboundemail/{receipt}/change/", OPERATOR),
]


def main() -> int:
    if CHROMIUM is None:
        print("Chromium isn't installed, or isn't in PATH.", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, filled_site(Path(folder)) as (site, values), chromium() as browser:
        for picture in PICTURES:
            picture.file.write_bytes(taken(picture, browser, site, values))
            print(f"{picture.file.relative_to(ROOT)}: {picture.file.stat().st_size:,} bytes")
    for path in {*FOLDER.glob("*.webp")} - {picture.file for picture in PICTURES}:
        path.unlink()
    return 0


@contextmanager
def filled_site(folder: Path) -> Iterator[tuple[DevelopmentSite, dict[str, str]]]:
    """Start the site with made-up people, and yield it with the customer's address and the IDs for the paths."""
    site = DevelopmentSite(folder)
    site.environment |= BRAND
    with site:
        site.manage("seed_demo")
        address, user, receipt = site.manage("shell", "-v0", "-c", PREPARE).split()
        yield site, {"address": address, "user": user, "receipt": receipt}


def taken(picture: Picture, browser: Browser, site: DevelopmentSite, values: dict[str, str]) -> bytes:
    """Return the picture as WebP, which is a fifth of the size of a PNG."""
    size = {"width": picture.width, "height": HEIGHT}
    context = browser.new_context(viewport=size, color_scheme=picture.scheme, base_url=site.url)  # type: ignore[arg-type]
    try:
        log_in(context, picture.person, values)
        page = context.new_page()
        page.goto(picture.path.format(**values))
        page.wait_for_load_state("networkidle")
        page.evaluate("() => document.querySelectorAll('.placeholder').forEach(note => note.remove())")
        return webp(page, is_whole_page=picture.is_whole_page)
    finally:
        context.close()


def log_in(context: BrowserContext, person: str, values: dict[str, str]) -> None:
    """Log in with the form that this person uses."""
    if person == NOBODY:
        return
    page = context.new_page()
    path, name = ("/admin/login/", "username") if person == OPERATOR else ("/login", "email")
    page.goto(path)
    page.fill(f"input[name={name}]", STAFF if person == OPERATOR else values["address"])
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")
    page.close()


def webp(page: Page, *, is_whole_page: bool) -> bytes:
    command = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": is_whole_page}
    if is_whole_page:
        clip = page.evaluate("() => ({x: 0, y: 0, width: innerWidth, height: document.body.scrollHeight, scale: 1})")
        command["clip"] = clip
    return base64.b64decode(page.context.new_cdp_session(page).send("Page.captureScreenshot", command)["data"])


if __name__ == "__main__":
    sys.exit(main())
