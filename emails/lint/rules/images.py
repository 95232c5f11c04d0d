"""Images: many people never see them, and some programs need their size."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from emails.lint.document import Element
from emails.lint.email import LintedEmail
from emails.lint.findings import Finding, error, warning

MAX_HEIGHT = 1728  # pixels; Outlook on Windows cuts off the rest
UNSUPPORTED = {".svg": error, ".svgz": error, ".webp": warning, ".avif": warning}


def img_alt(email: LintedEmail) -> Iterator[Finding]:
    for image in email.document.all("img"):
        link = next((one for one in image.ancestors() if one.tag == "a"), None)
        if "alt" not in image.attributes:
            yield error("img-alt", 'This image has no alt. For decoration, write alt="".', email.place(image))
        elif link is not None and not image.attributes["alt"].strip() and not link.text:
            yield error("img-alt", "This image is a link, so its alt must say where it leads.", email.place(image))


def img_size(email: LintedEmail) -> Iterator[Finding]:
    for image in email.document.all("img"):
        if is_tracking_pixel(image):
            yield warning("tracking-pixel", "This invisible image tracks who opens the email.", email.place(image))
        elif not re.fullmatch(r"\d+%?", image.attributes.get("width", "")):
            message = "This image has no width attribute, so Outlook on Windows shows it in its full size."
            yield error("img-size", message, email.place(image))
        height = image.attributes.get("height", "")
        if height.isdecimal() and int(height) > MAX_HEIGHT:
            message = f"Outlook on Windows cuts images off at {MAX_HEIGHT:,} px. Use several."
            yield warning("img-height", message, email.place(image))


def is_tracking_pixel(image: Element) -> bool:
    return {image.attributes.get("width"), image.attributes.get("height")} <= {"0", "1"}


def img_scheme(email: LintedEmail) -> Iterator[Finding]:
    for image in email.document.all("img"):
        source = image.attributes.get("src", "").strip()
        parts = urlsplit(source) if "[" not in source else urlsplit("")
        ending = re.search(r"\.\w+$", parts.path.lower())
        if parts.scheme == "cid":
            continue
        if parts.scheme != "https" or not parts.netloc:
            message = f"The image {source[:80]!r} doesn't begin with https://, so email programs don't load it."
            yield error("img-scheme", message, email.place(image))
        elif ending and ending[0] in UNSUPPORTED:
            report, name = UNSUPPORTED[ending[0]], ending[0].lstrip(".").upper()
            yield report("img-scheme", f"Not every email program shows {name}. Use PNG or JPEG.", email.place(image))


RULES = (img_alt, img_size, img_scheme)
