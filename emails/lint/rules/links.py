"""Links: whether they work, and whether they look honest to spam filters."""

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

from emails.lint.document import Element
from emails.lint.email import LintedEmail
from emails.lint.findings import Finding, Place, error, warning

ALLOWED = ("https", "mailto", "tel")
LOCAL = re.compile(r"(?:[\w-]+\.)*localhost|127\.0\.0\.1|\[?::1\]?")
IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f]*:[0-9a-f:.]+\]?", re.IGNORECASE)
LOOKS_LIKE_URL = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)
EMAIL_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
MEANINGLESS = {
    "here",
    "click here",
    "click",
    "this link",
    "link",
    "more",
    "hier",
    "hier klicken",
    "klicken sie hier",
    "mehr",
}
TOKENS = {"token", "key", "code", "secret", "password", "signature", "sig"}


def link_schemes(email: LintedEmail) -> Iterator[Finding]:
    for link in email.document.all("a", "area"):
        if problem := problem_with(link, is_local_allowed=email.allows_local_links):
            yield error(problem[0], problem[1], email.place(link))


def problem_with(link: Element, *, is_local_allowed: bool) -> tuple[str, str] | None:
    """Return the rule and the message of what is wrong with the link's target."""
    target = link.attributes.get("href", "").strip()
    if not target or target.startswith("#"):
        if "href" not in link.attributes and ("name" in link.attributes or "id" in link.attributes):
            return None
        return "link-empty", f"This link leads nowhere: {target or 'it has no href'}."
    parts = split(target)
    host = (parts.hostname or "") if parts else ""
    if parts is None or re.search(r"\s", target):
        return "link-scheme", f"The link {target[:80]!r} isn't a valid URL."
    if is_local_allowed and LOCAL.fullmatch(host):
        return None
    if parts.scheme not in ALLOWED or (parts.scheme == "https" and not host):
        kind = f"begins with {parts.scheme}:" if parts.scheme else "is relative"
        return "link-scheme", f"The link {target[:80]!r} {kind}. Links in emails must begin with https://."
    if IP_ADDRESS.fullmatch(host):
        return "link-scheme", f"The link {target[:80]!r} names an IP address, which spam filters distrust."
    return None


def split(target: str) -> SplitResult | None:
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:
        return None
    return parts


def link_texts(email: LintedEmail) -> Iterator[Finding]:
    for link in email.document.all("a"):
        if "href" not in link.attributes:
            continue
        images = [image.attributes.get("alt", "x") for image in link.descendants() if image.tag == "img"]
        words = link.text.strip(" .…→»").lower()
        if not words and not images:
            yield error("link-text", "This link has no text, so nobody can see it.", email.place(link))
        elif words in MEANINGLESS:
            message = f"The link text {link.text!r} doesn't say what happens, for example “Reset my password”."
            yield warning("link-text", message, email.place(link))
        elif shown := mismatch(link):
            message = f"The link shows {shown[0]} but leads to {shown[1]}, as in phishing."
            yield error("link-mismatch", message, email.place(link))


def mismatch(link: Element) -> tuple[str, str] | None:
    """Return the host or email address that the link shows, and the different one that it leads to."""
    parts = split(link.attributes["href"].strip())
    if parts is None:
        return None
    if EMAIL_ADDRESS.fullmatch(link.text):
        target = parts.path if parts.scheme == "mailto" else parts.netloc
        return None if target.lower() == link.text.lower() else (link.text, target)
    match = LOOKS_LIKE_URL.fullmatch(link.text)
    if match is None:
        return None
    shown, target = match[1].lower(), (parts.hostname or "").lower()
    return None if shown.removeprefix("www.") == target.removeprefix("www.") else (shown, target)


def links_in_text(email: LintedEmail) -> Iterator[Finding]:
    for match in re.finditer(r"\bhttp://(\S+)", email.text.text):
        host = (split(match[0]) or SplitResult("", "", "", "", "")).hostname or ""
        if not (email.allows_local_links and LOCAL.fullmatch(host)):
            message = f"The link {match[0][:80]!r} begins with http:. Links in emails must begin with https://."
            yield error("link-scheme", message, email.text.place(match.start()))


def secrets(email: LintedEmail) -> Iterator[Finding]:
    """Report links with a token in an email whose links the provider rewrites and logs."""
    if not email.is_tracked:
        return
    found: dict[str, Place] = {}
    for link in email.document.all("a"):
        parts = split(link.attributes.get("href", ""))
        if parts and TOKENS & parse_qs(parts.query).keys():
            found.setdefault(parts.path, email.place(link))
    for path, place in found.items():
        message = f"The link to {path} contains a token, and the provider may track it. Send the email as sensitive."
        yield error("secrets", message, place)


def unsubscribe_in_requested(email: LintedEmail) -> Iterator[Finding]:
    if not email.is_requested:
        return
    for link in email.document.all("a"):
        if re.search(r"unsubscribe|/u/", link.attributes.get("href", "")):
            message = "People can't unsubscribe from an email that they request or that protects their account."
            yield error("unsubscribe", message, email.place(link))


RULES = (link_schemes, link_texts, links_in_text, secrets, unsubscribe_in_requested)
