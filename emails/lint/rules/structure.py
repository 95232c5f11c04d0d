"""The skeleton of the HTML: what email programs and screen readers need, and what they remove."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from emails.lint.document import Element
from emails.lint.email import LintedEmail, blank
from emails.lint.findings import Finding, Place, error, warning
from emails.lint.support import ELEMENTS, dropped_by

ACTIVE = (
    "script",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "button",
    "select",
    "textarea",
    "video",
    "audio",
    "base",
)
OPEN_CONDITION, CLOSE_CONDITION = (
    re.compile(r"<!--\s*\[if\b", re.IGNORECASE),
    re.compile(r"<!\[endif\]-->", re.IGNORECASE),
)
# A condition hides its content from other programs (MSO), or shows it to them (REVEALED).
MSO = re.compile(r"<!--\s*\[if\s+(?!\s*!)[^\]]*mso[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL | re.IGNORECASE)
REVEALED = re.compile(r"<!--\s*\[if\s+!\s*mso\s*\]><!-->(.*?)<!--<!\[endif\]-->", re.DOTALL | re.IGNORECASE)
HREF = re.compile(r"""\bhref\s*=\s*["']([^"']*)""", re.IGNORECASE)


def doctype(email: LintedEmail) -> Iterator[Finding]:
    if not email.document.has_doctype:
        message = "There is no <!doctype html>, so browsers lay the email out as they did in 1998."
        yield error("doctype", message, email.source.place(0))


def charset(email: LintedEmail) -> Iterator[Finding]:
    metas = [meta.attributes for meta in email.document.all("meta")]
    if not any("charset" in meta or "charset=" in meta.get("content", "").lower() for meta in metas):
        yield error("charset", 'There is no <meta charset="utf-8">.', head_place(email))


def html_lang(email: LintedEmail) -> Iterator[Finding]:
    html = email.document.first("html")
    for name, reader in (("lang", "Screen readers"), ("dir", "Right-to-left languages")):
        if html is None or not html.attributes.get(name, "").strip():
            yield error("html-lang", f"<html> has no {name}. {reader} need it.", head_place(email))


def html_title(email: LintedEmail) -> Iterator[Finding]:
    title = email.document.first("title")
    words = "".join(child for child in title.children if isinstance(child, str)) if title else ""
    if not words.strip() and email.subject.text.strip():  # the title repeats the subject, which has a rule of its own
        yield error("html-title", "There is no <title>. Repeat the subject in it.", head_place(email))


def color_scheme(email: LintedEmail) -> Iterator[Finding]:
    names = {meta.attributes.get("name", "").lower() for meta in email.document.all("meta")}
    for name in ("color-scheme", "supported-color-schemes"):
        if name not in names:
            message = f'There is no <meta name="{name}" content="light dark">, so programs may change the colors.'
            yield warning("color-scheme", message, head_place(email))


def headings(email: LintedEmail) -> Iterator[Finding]:
    levels = [(int(one.tag[1]), one) for one in email.document.all("h1", "h2", "h3", "h4", "h5", "h6")]
    first = [element for level, element in levels if level == 1]
    if len(first) != 1:
        place = email.place(first[1]) if first else head_place(email)
        yield warning("headings", f"The email has {len(first)} <h1>. It needs one, its headline.", place)
    for (level, _), (next_level, element) in pairwise(levels):
        if next_level > level + 1:
            yield warning(
                "headings", f"<h{next_level}> follows <h{level}>. Levels must not be left out.", email.place(element)
            )


def table_role(email: LintedEmail) -> Iterator[Finding]:
    for table in email.document.all("table"):
        if is_data(table):
            yield from header_scopes(email, table)
        elif table.attributes.get("role", "").lower() not in ("presentation", "none"):
            message = 'This layout table has no role="presentation", so screen readers announce rows and columns.'
            yield error("table-role", message, email.place(table))
        elif missing := [
            name for name in ("cellpadding", "cellspacing", "border") if table.attributes.get(name) != "0"
        ]:
            message = f"This layout table needs {', '.join(missing)} of 0. Otherwise, Outlook on Windows adds gaps."
            yield error("table-role", message, email.place(table))


def is_data(table: Element) -> bool:
    """Return whether the table itself, and not one inside it, has header cells."""
    return any(
        cell.tag == "th" and next(one for one in cell.ancestors() if one.tag == "table") is table
        for cell in table.descendants()
    )


def header_scopes(email: LintedEmail, table: Element) -> Iterator[Finding]:
    for cell in table.descendants():
        if cell.tag == "th" and cell.attributes.get("scope") not in ("row", "col", "rowgroup", "colgroup"):
            message = 'This <th> has no scope="row" or scope="col", so screen readers can\'t connect it with its cells.'
            yield error("table-role", message, email.place(cell))


def script_form(email: LintedEmail) -> Iterator[Finding]:
    for element in email.document.all():
        is_refresh = element.tag == "meta" and element.attributes.get("http-equiv", "").lower() == "refresh"
        if element.tag in ACTIVE or is_refresh:
            yield error(
                "script-form", f"Email programs remove or refuse <{element.tag}>. Link to a page.", email.place(element)
            )
        for name in element.attributes:
            if name.startswith("on"):
                yield error(
                    "script-form", f"Email programs remove {name}=, as they do all scripts.", email.place(element)
                )


def element_unsupported(email: LintedEmail) -> Iterator[Finding]:
    for element in email.document.all():
        for feature in ELEMENTS:
            name = feature.applies_to(element)
            if name and element.tag not in ACTIVE:
                yield warning("html-unsupported", f"{dropped_by(feature)} {name}.", email.place(element))


def duplicate_ids(email: LintedEmail) -> Iterator[Finding]:
    with_id = [element for element in email.document.all() if element.attributes.get("id")]
    counts = Counter(element.attributes["id"] for element in with_id)
    for element in with_id:
        name = element.attributes["id"]
        if counts.pop(name, 1) > 1:
            yield warning("ids", f"The id {name!r} is used more than once.", email.place(element))


def conditional_comments(email: LintedEmail) -> Iterator[Finding]:
    html = email.source.text
    opened = None
    for match in sorted([*OPEN_CONDITION.finditer(html), *CLOSE_CONDITION.finditer(html)], key=lambda one: one.start()):
        is_opening = match.re is OPEN_CONDITION
        if is_opening == (opened is not None):
            message = "This conditional comment isn't closed." if is_opening else "This <![endif]--> closes nothing."
            yield error("vml-balance", message, email.source.place(opened if is_opening and opened else match.start()))
            return
        opened = match.start() if is_opening else None
    if opened is not None:
        yield error("vml-balance", "This conditional comment isn't closed.", email.source.place(opened))
        return
    yield from links_for_outlook(email, html)


def links_for_outlook(email: LintedEmail, html: str) -> Iterator[Finding]:
    """Report links that only Outlook on Windows gets, or only other programs."""
    revealed = Counter(link for match in REVEALED.finditer(html) for link in HREF.findall(match[1]))
    without_revealed = REVEALED.sub(blank, html)
    for match in MSO.finditer(without_revealed):
        for link in HREF.findall(match[1]):
            if not revealed[link]:
                message = f"Only Outlook on Windows gets the link {link}. Repeat it for the others."
                yield error("vml-balance", message, email.source.place(match.start()))
            revealed[link] -= 1
    for link, left in revealed.items():
        if left > 0:
            place = email.source.place(next(REVEALED.finditer(html)).start())
            yield error("vml-balance", f"Outlook on Windows doesn't get the link {link}. Repeat it for Outlook.", place)


def head_place(email: LintedEmail) -> Place:
    html = email.document.first("html")
    return email.place(html) if html else email.source.place(0)


RULES = (
    doctype,
    charset,
    html_lang,
    html_title,
    color_scheme,
    headings,
    table_role,
    script_form,
    element_unsupported,
    duplicate_ids,
    conditional_comments,
)
