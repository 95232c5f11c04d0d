"""Sizes beyond which email programs cut an email, or ignore its styles."""

from collections.abc import Iterator

from emails.lint.email import LintedEmail
from emails.lint.findings import Finding, error, warning

# Gmail hides what lies beyond about 100 kB of HTML, and that is often the footer.
CLIP_WARNING, CLIP_ERROR = 80_000, 98_000
BYTES_PER_TRACKED_LINK = 150  # what a provider's tracking adds to a link
# Gmail ignores styles beyond 16 kB.
STYLE_WARNING, STYLE_ERROR = 12_000, 16_000
MAX_LINKS = 50


def gmail_size(email: LintedEmail) -> int:
    """Return the bytes of HTML that Gmail counts."""
    links = sum("href" in link.attributes for link in email.document.all("a")) if email.is_tracked else 0
    return len(email.html.encode()) + links * BYTES_PER_TRACKED_LINK


def size_clip(email: LintedEmail) -> Iterator[Finding]:
    size, place = gmail_size(email), email.source.place(0)
    if size >= CLIP_WARNING:
        report = error if size >= CLIP_ERROR else warning
        yield report("size-clip", f"The HTML has {size:,} bytes. Gmail hides what lies beyond about 100,000.", place)


def style_size(email: LintedEmail) -> Iterator[Finding]:
    size = sum(len(style.encode()) for style in kept_styles(email))
    if size >= STYLE_WARNING:
        report = error if size >= STYLE_ERROR else warning
        place = email.source.place(email.sheets[0][0] if email.sheets else 0)
        yield report("style-size", f"The styles have {size:,} bytes. Gmail ignores them beyond 16,000.", place)


def kept_styles(email: LintedEmail) -> Iterator[str]:
    """Yield the content of each <style> in the email that is sent."""
    for style in email.document.all("style"):
        yield "".join(child for child in style.children if isinstance(child, str))


def link_count(email: LintedEmail) -> Iterator[Finding]:
    links = [link for link in email.document.all("a") if "href" in link.attributes]
    if len(links) > MAX_LINKS:
        message = f"The email has {len(links)} links. Spam filters distrust more than {MAX_LINKS}."
        yield warning("link-count", message, email.place(links[MAX_LINKS]))


RULES = (size_clip, style_size, link_count)
