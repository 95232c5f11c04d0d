"""The subject, the preheader, the text part, and what must not be in any of them."""

import re
from collections.abc import Iterator

from emails.lint.document import Element
from emails.lint.email import LintedEmail
from emails.lint.findings import Finding, error, warning
from emails.lint.marks import Origin, Source

MAX_SUBJECT, MAX_PREHEADER = 78, 150
MIN_SHARE_OF_TEXT = 0.2
FAKED_REPLY = re.compile(r"(?:re|fwd?|aw|wg)\s*:", re.IGNORECASE)
TAG = re.compile(r"</?(?:a|b|br|div|em|h[1-6]|i|img|li|ol|p|span|strong|table|td|th|tr|ul)\b[^<>]*>", re.IGNORECASE)
RELATIVE = re.compile(r"(?<!\S)/[a-z][\w-]*(?:[/?][^\s]*)?(?=[\s.,]|$)", re.MULTILINE)
INVISIBLE = re.compile("[\\s\u00a0\u00ad\u034f\u200b-\u200f\u2007\u2060\ufeff]+")
TEMPLATE_SYNTAX = re.compile(r"\{\{|\}\}|\{%|%\}")
PLACEHOLDER = re.compile(r"\blorem\s+ipsum\b|\bexample\.(?:com|org|net)\b|\bTODO\b|\bXXX\b", re.IGNORECASE)
EMPTY_VALUE = re.compile(r"\bNone\b(?! of\b)|\bundefined\b|\bNaN\b|\[object Object\]|<(?:function|object|\w+ object) ")


def subject(email: LintedEmail) -> Iterator[Finding]:
    words, place = email.subject.text, email.subject.place(0)
    if not words.strip():
        yield error("subject", "The subject is empty.", place)
    elif len(words) > MAX_SUBJECT:
        message = f"The subject has {len(words)} characters. Phones show about 40, and nobody shows more than 78."
        yield warning("subject", message, place)
    if words.isupper() and len(words) > 3:
        yield warning("subject", "The subject is all in capitals, which spam filters distrust.", place)
    if FAKED_REPLY.match(words):
        yield error("subject", "The subject pretends to be a reply.", place)


def preheader(email: LintedEmail) -> Iterator[Finding]:
    """The first text in the body must be a hidden summary, which inboxes show after the subject."""
    found, body = preheader_of(email), email.document.first("body")
    words = INVISIBLE.sub(" ", found.text).strip() if found else ""
    place = email.place(found) if found else (email.place(body) if body else email.source.place(0))
    if not words:
        yield warning("preheader", "There is no preheader, so inboxes show the beginning of the email instead.", place)
    elif len(words) > MAX_PREHEADER:
        yield warning("preheader", f"The preheader has {len(words)} characters. Use 40 to 90.", place)
    elif words.lower() == email.subject.text.strip().lower():
        yield warning("preheader", "The preheader repeats the subject. Say something new.", place)


def preheader_of(email: LintedEmail) -> Element | None:
    """Return the hidden element in front of all other text, or None."""
    body = email.document.first("body") or email.document.root
    for element in body.descendants():
        if element is not body and email.light.is_hidden(element):
            return element
        if any(isinstance(child, str) and child.strip() for child in element.children):
            return None
    return None


def hidden_text(email: LintedEmail) -> Iterator[Finding]:
    body, allowed = email.document.first("body") or email.document.root, preheader_of(email)
    reported: Element | None = None
    for element, words in body.texts():
        ancestors = [*element.ancestors()]
        if INVISIBLE.sub("", words) and email.light.is_hidden(element) and allowed not in ancestors:
            outermost = [one for one in ancestors if email.light.is_hidden(one)][-1]
            if outermost is not reported:
                message = f"The text {words.strip()[:40]!r} is hidden, which spam filters distrust."
                yield error("hidden-text", message, email.place(outermost))
            reported = outermost


def text_part(email: LintedEmail) -> Iterator[Finding]:
    words, place = email.text.text, email.text.place(0)
    if not words.strip():
        yield error("text-part", "The text part is empty. Some people read nothing else.", place)
        return
    in_html = len(email.visible_text.split())
    if len(words.split()) < MIN_SHARE_OF_TEXT * in_html:
        message = f"The text part has {len(words.split())} words, and the HTML {in_html}. They must say the same."
        yield error("text-part", message, place)
    if match := TAG.search(words):
        yield error("text-part", f"The text part contains HTML: {match[0][:40]}", email.text.place(match.start()))
    if match := RELATIVE.search(words):
        message = f"The text part contains {match[0][:60]!r}, which isn't a complete URL."
        yield error("text-part", message, email.text.place(match.start()))
    button = main_link(email)
    if button is not None and button.attributes["href"] not in words:
        message = f"The text part lacks the main link, {button.attributes['href'][:80]}"
        yield error("text-part", message, place)


def main_link(email: LintedEmail) -> Element | None:
    """Return the first button, or else the first link. None if there is no link to a page."""
    links = [link for link in email.document.all("a") if link.attributes.get("href", "").startswith("https://")]
    return next((link for link in links if is_button(email, link)), None) or next(iter(links), None)


def is_button(email: LintedEmail, link: Element) -> bool:
    """Return whether the link has a background of its own, or is alone in a cell that has one."""
    if email.light.declared_background(link) is not None:
        return True
    cell = link.parent
    return (
        cell is not None
        and cell.tag == "td"
        and cell.text == link.text
        and email.light.declared_background(cell) is not None
    )


def placeholder(email: LintedEmail) -> Iterator[Finding]:
    for source in (email.subject, email.text, email.source):
        yield from placeholders_in(source, is_css=source is email.source)


def placeholders_in(source: Source, *, is_css: bool) -> Iterator[Finding]:
    """Report template syntax, and values that only a mistake leaves in an email."""
    has_marks = bool(source.starts)
    content = re.sub(r"<style\b.*?</style>", _spaces, source.text, flags=re.DOTALL) if is_css else source.text
    for match in TEMPLATE_SYNTAX.finditer(content):
        yield error("placeholder", f"The email contains {match[0]!r}.", source.place(match.start()))
    for match in EMPTY_VALUE.finditer(content):
        if source.origin(match.start()) != Origin.LITERAL:
            yield error(
                "placeholder", f"The email contains {match[0]!r}, from an empty value.", source.place(match.start())
            )
    for match in PLACEHOLDER.finditer(content):
        # The sample data contains example.com, and so may a real email. The template itself must not.
        if has_marks and source.origin(match.start()) == Origin.LITERAL:
            yield error("placeholder", f"The template contains {match[0]!r}.", source.place(match.start()))


def _spaces(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


RULES = (subject, preheader, hidden_text, text_part, placeholder)
