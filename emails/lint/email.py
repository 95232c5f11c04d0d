"""The email that the rules look at."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from emails.lint import document
from emails.lint.computed import DARK, LIGHT, Styles
from emails.lint.document import Document, Element
from emails.lint.findings import Place
from emails.lint.marks import Source, render_with_marks
from emails.lint.stylesheets import Declaration, Stylesheet, declarations, parse_stylesheet
from emails.rendering import render_parts, with_inline_styles, without_gaps

STYLE = re.compile(r"(<style\b[^>]*>)(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
STYLE_ATTRIBUTE = re.compile(r"""\sstyle\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass
class LintedEmail:
    """A rendered email.

    ``source`` is its HTML as the templates wrote it, and ``html`` the one that is sent, with the CSS inlined.
    """

    subject: Source
    text: Source
    source: Source
    html: str
    document: Document
    is_tracked: bool = False
    is_requested: bool = False
    allows_local_links: bool = False
    sheets: list[tuple[int, str, Stylesheet]] = field(default_factory=list)

    def place(self, element: Element) -> Place:
        return self.source.place(max(element.at, 0))

    @cached_property
    def kept_sheets(self) -> list[Stylesheet]:
        """The stylesheets in the HTML that is sent."""
        return [parse_stylesheet(match[2]) for match in STYLE.finditer(self.html)]

    @cached_property
    def written(self) -> Document:
        """The document as the templates wrote it, before the CSS was inlined."""
        return document.parse(self.source.text)

    def styles(self, scheme: str) -> Styles:
        return self.light if scheme == LIGHT else self.dark

    @cached_property
    def light(self) -> Styles:
        return Styles(self.document, [rule for sheet in self.kept_sheets for rule in sheet.rules], LIGHT)

    @cached_property
    def dark(self) -> Styles:
        return Styles(self.document, [rule for sheet in self.kept_sheets for rule in sheet.rules], DARK)

    @cached_property
    def written_blocks(self) -> list[tuple[tuple[Declaration, ...], tuple[str, ...]]]:
        """The declarations as the templates wrote them: of each rule and style attribute, with the media around it."""
        found = [(rule.declarations, rule.media) for _, _, sheet in self.sheets for rule in sheet.rules]
        plain = COMMENT.sub(blank, STYLE.sub(blank, self.source.text))
        attributes = STYLE_ATTRIBUTE.finditer(plain)
        return found + [(declarations(match[1][1:-1], match.start(1) + 1), ()) for match in attributes]

    def visible_texts(self) -> Iterator[tuple[Element, str]]:
        """Yield each piece of visible text and its element."""
        body = self.document.first("body") or self.document.root
        return ((element, text) for element, text in body.texts() if text.strip() and not self.light.is_hidden(element))

    @property
    def visible_text(self) -> str:
        return " ".join(" ".join(text.split()) for _, text in self.visible_texts())


def blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def rendered_with_marks(kind: str, context: Mapping[str, object], language: str | None = None) -> LintedEmail:
    """Render an email so that each finding can name a line. Raises the same as ``render_email``."""
    marked = render_parts(kind, context, language, render_with_marks)
    source = Source.of(marked.html)
    numbered, places = document.numbered(source.text)
    html = with_inline_styles(numbered)
    return LintedEmail(
        subject=Source.of(marked.subject),
        text=Source.of(marked.text),
        source=source,
        # The numbers belong to the lint, and would count toward the size.
        html=re.sub(rf' {document.NUMBER}="\d+"', "", html),
        document=document.parse(html, places),
        sheets=stylesheets(source.text),
    )


def sent_email(subject: str, text: str, html: str, *, is_tracked: bool) -> LintedEmail:
    """Return an email that is already rendered. Its findings name no lines."""
    source = Source.of(html)
    return LintedEmail(
        subject=Source.of(subject),
        text=Source.of(without_gaps(text)),
        source=source,
        html=html,
        document=document.parse(html),
        is_tracked=is_tracked,
        allows_local_links=True,
        sheets=stylesheets(html),
    )


def stylesheets(html: str) -> list[tuple[int, str, Stylesheet]]:
    """Return the position, the text, and the rules of each <style>."""
    plain = COMMENT.sub(blank, html)
    return [(match.start(), match[2], parse_stylesheet(match[2], match.start(2))) for match in STYLE.finditer(plain)]
