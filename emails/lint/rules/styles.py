"""Styles that email programs drop, or that only look right in some of them."""

import re
from collections.abc import Iterator

from emails.lint.document import Element
from emails.lint.email import LintedEmail
from emails.lint.findings import Finding, error, warning
from emails.lint.stylesheets import Declaration, declarations
from emails.lint.support import DROPPED, dropped_by

MODERN_COLOR = re.compile(r"\b(?:oklch|oklab|lch|lab|color|color-mix|hwb|light-dark|var)\(", re.IGNORECASE)
SPACES_IN_COLOR = re.compile(r"\b(?:rgb|hsl)a?\(\s*[^,()\s]+\s+[^,()]", re.IGNORECASE)
IMPORTANT = re.compile(r"(.?)!\s*important", re.IGNORECASE)
LAYOUT = {
    "display": re.compile(r"(?:inline-)?(?:flex|grid)", re.IGNORECASE),
    "float": re.compile(r"left|right", re.IGNORECASE),
    "position": re.compile(r"absolute|relative|fixed|sticky", re.IGNORECASE),
}
# Word, which is Outlook on Windows, ignores padding on these.
NO_PADDING = ("div", "p", "a", "span", "h1", "h2", "h3", "h4", "h5", "h6", "center", "section")
PADDING = re.compile(r"padding(?:-\w+)?")
NONZERO = re.compile(r"[1-9]")
FOR_WORD = "mso-padding-alt"


def style_place(email: LintedEmail) -> Iterator[Finding]:
    for element in email.written.all("link"):
        if "stylesheet" in element.attributes.get("rel", "").lower():
            message = "Email programs load no stylesheets. Write the rules into <style>."
            yield error("style-place", message, email.place(element))
    for element in email.written.all("style"):
        if element.inside("body") or not element.inside("head"):
            yield error("style-place", "Gmail drops a <style> outside of <head>.", email.place(element))
    for _, _, sheet in email.sheets:
        for name, at in sheet.at_rules:
            if name == "import":
                yield error("style-place", "Email programs load nothing for @import.", email.source.place(at))


def css_unsupported(email: LintedEmail) -> Iterator[Finding]:
    """Report styles that matter and that a client drops. What is inside @media is an enhancement."""
    for block, media in email.written_blocks:
        is_for_word_too = any(one.name == "mso-hide" for one in block)  # a hidden block that repeats itself for Word
        if media or is_for_word_too:
            continue
        for one in block:
            yield from dropped(email, one)
    for _, _, sheet in email.sheets:
        for name, at in sheet.at_rules:
            for feature in DROPPED:
                if feature.at_rule == name:
                    yield warning("css-unsupported", f"{dropped_by(feature)} @{name}.", email.source.place(at))


def dropped(email: LintedEmail, one: Declaration) -> Iterator[Finding]:
    if is_layout(one) or is_modern_color(one):
        return  # another rule reports these
    for feature in DROPPED:
        if feature.matches(one):
            message = f"{dropped_by(feature)} {one.name}: {one.value}."
            yield warning("css-unsupported", message, email.source.place(one.at))
            return


def layout_flex_grid(email: LintedEmail) -> Iterator[Finding]:
    for block, media in email.written_blocks:
        for one in block:
            if is_layout(one) and not media:
                message = f"{one.name}: {one.value} doesn't work in Outlook on Windows. Use a table."
                yield error("layout-flex-grid", message, email.source.place(one.at))


def is_layout(one: Declaration) -> bool:
    pattern = LAYOUT.get(one.name)
    return pattern is not None and pattern.fullmatch(one.value) is not None


def css_modern_color(email: LintedEmail) -> Iterator[Finding]:
    for block, _ in email.written_blocks:
        for one in block:
            if one.name.startswith("--") or is_modern_color(one):
                message = f"{one.name}: {one.value} can make Gmail drop the whole block. Write #rrggbb."
                yield error("css-modern-color", message, email.source.place(one.at))


def is_modern_color(one: Declaration) -> bool:
    return bool(MODERN_COLOR.search(one.value) or SPACES_IN_COLOR.search(one.value))


def css_important_form(email: LintedEmail) -> Iterator[Finding]:
    for block, _ in email.written_blocks:
        for one in block:
            match = IMPORTANT.search(one.written)
            if match and (match[1] != " " or match[0].strip() != "!important"):
                message = "Gmail understands only “ !important”, in lowercase and after a space."
                yield warning("css-important-form", message, email.source.place(one.at))


def td_padding(email: LintedEmail) -> Iterator[Finding]:
    for element in email.document.all(*NO_PADDING):
        style = declarations(element.attributes.get("style", ""))
        if email.light.is_hidden(element) or is_drawn_by_cell(email, element):
            continue
        if any(PADDING.fullmatch(one.name) and NONZERO.search(one.value) for one in style):
            message = f"Outlook on Windows ignores padding on <{element.tag}>. Put it on a <td>."
            yield warning("td-padding", message, email.place(element))


def is_drawn_by_cell(email: LintedEmail, element: Element) -> bool:
    """Return whether the element is a link in a cell that has the padding for Word."""
    parent = element.parent
    return element.tag == "a" and parent is not None and parent.tag == "td" and FOR_WORD in email.light.of(parent)


def bgcolor_twin(email: LintedEmail) -> Iterator[Finding]:
    for element in email.document.all("table", "td", "th"):
        names = {one.name for one in declarations(element.attributes.get("style", "")) if one.value != "transparent"}
        if names & {"background-color", "background"} and not element.attributes.get("bgcolor"):
            message = f"This <{element.tag}> has a background but no bgcolor, which some programs need."
            yield warning("bgcolor-twin", message, email.place(element))


RULES = (
    style_place,
    css_unsupported,
    layout_flex_grid,
    css_modern_color,
    css_important_form,
    td_padding,
    bgcolor_twin,
)
