"""The layout of emails: what every kind shows, and that Word, Gmail, and readers from right to left can show it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings as project

from emails import samples
from emails.branding import colors_for, six_digits
from emails.rendering import render_email
from emails.tests.support.fixtures_kinds import write_kind

__all__ = ["write_kind"]

KINDS = [*samples.folders()]
LANGUAGES = [code for code, _ in project.LANGUAGES]
CONTENT = '{% extends "emails/base.html" %}{% block content %}<p>Hi {{ name }}</p>$MORE{% endblock %}'
KNOWN_PROPERTIES = """background-color border border-bottom border-collapse border-radius border-top color display
    font-family font-size font-weight height line-height margin max-height max-width mso-hide mso-line-height-rule
    mso-padding-alt opacity overflow padding padding-left padding-right text-align text-decoration vertical-align
    white-space width word-break"""
VOID = {"meta", "img", "br"}
COPY_HINT = {
    "en": "If the button doesn't work, copy this link into your browser:",
    "de": "Falls die Schaltfläche nicht funktioniert, kopieren Sie diesen Link in Ihren Browser:",
}


class Element:
    def __init__(self, tag: str, attributes: dict[str, str], parents: list["Element"]) -> None:
        self.tag, self.attributes, self.parents = tag, attributes, parents
        self.classes = attributes.get("class", "").split()
        declarations = (part.partition(":") for part in attributes.get("style", "").split(";") if part.strip())
        self.style = {name.strip(): value.strip() for name, _, value in declarations}
        self.words: list[str] = []


class Page(HTMLParser):
    """The elements of an email with their parents, and its words in order. Comments are left out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.words: list[tuple[str, Element]] = []
        self.path: list[Element] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attributes}, self.path[:])
        self.elements.append(element)
        if tag not in VOID:
            self.path.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self.path and self.path.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and self.path and self.path[-1].tag != "style":
            self.words.append((" ".join(data.split()), self.path[-1]))

    def having(self, name: str) -> list[Element]:
        return [element for element in self.elements if name in element.classes]

    def text_of(self, name: str) -> str:
        """Return the words in the elements with this tag or class."""
        return " ".join(
            text for text, inner in self.words for e in [*inner.parents, inner] if name in [e.tag, *e.classes]
        )


def page_of(kind: str, language: str = "en") -> Page:
    return Page(samples.render_sample(kind, language).html)


@pytest.fixture(autouse=True)
def company(settings) -> None:
    settings.BRAND_ADDRESS = "1 Example Street, Springfield"
    settings.SUPPORT_EMAIL = "support@acme.example"
    settings.BRAND_TAX_ID = "EU372000041"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_email_says_who_sent_it_and_why(language):
    because = {"en": "You're getting this email because", "de": "Sie erhalten diese E-Mail, weil"}[language]
    for kind in KINDS:
        rendered = samples.render_sample(kind, language)
        for footer in (rendered.text.rpartition("\n--\n")[2], Page(rendered.html).text_of("footer")):
            assert because in footer, kind
            for expected in ("Acme", "1 Example Street, Springfield", "support@acme.example"):
                assert expected in footer, kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_subject_preheader_and_headline_are_useful(language):
    for kind in KINDS:
        rendered = samples.render_sample(kind, language)
        page = Page(rendered.html)
        preheader, headline = page.text_of("preheader"), page.text_of("h1")
        assert 30 <= len(preheader) <= 110, (kind, preheader)
        assert headline, kind
        assert len({rendered.subject, preheader, headline}) == 3, kind
        assert preheader not in rendered.text, kind


def test_subjects_differ_between_kinds():
    subjects = [samples.render_sample(kind, "en").subject for kind in KINDS]
    assert len({*subjects}) == len(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_and_text_have_the_same_content(language):
    """Every piece of text in one part is in the other one, apart from the headline and what only HTML needs."""
    for kind in KINDS:
        rendered = samples.render_sample(kind, language)
        text = " ".join(rendered.text.split())
        page = Page(rendered.html)
        shown = " ".join(words for words, element in page.words if "preheader" not in element.classes)
        for words, element in page.words:
            if not {"preheader", "title", "h1"} & {element.tag, *element.classes}:
                assert words.replace(COPY_HINT[language], "").strip(" .") in text, (kind, words)
        links = " ".join(element.attributes.get("href", "") for element in page.elements)
        for line in rendered.text.splitlines():
            words, _, link = line.partition("https://")
            for part in re.split(r":(?: |$)", words):
                assert part.strip(" .-") in shown, (kind, line)
            assert f"https://{link}" in links if link else True, (kind, line)


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_is_drawn_without_a_stylesheet(kind):
    """What the style attributes hold, Gmail keeps for everybody, and Word understands it."""
    page = page_of(kind)
    for element in page.elements:
        background = element.style.get("background-color")
        if element.tag in ("table", "td", "th") and background:
            assert element.attributes.get("bgcolor") == background
        if "padding" in element.style and element.tag != "body":
            cell = element if element.tag in ("td", "th") else element.parents[-1]
            assert cell.tag in ("td", "th")
            assert cell is element or "mso-padding-alt" in cell.style
        if element.tag in ("td", "th", "p", "h1"):
            assert element.style["mso-line-height-rule"] == "exactly"
            assert int(element.style["font-size"].removesuffix("px")) >= 14
    for table in (element for element in page.elements if element.tag == "table"):
        assert [table.attributes.get(name) for name in ("cellpadding", "cellspacing", "border")] == ["0"] * 3
        is_data = {"facts", "amounts"} & {*table.classes}
        assert ("role" in table.attributes) == (not is_data)
    for row_header in (element for element in page.elements if element.tag == "th"):
        assert row_header.attributes["scope"] == "row"


@pytest.mark.parametrize("kind", KINDS)
def test_only_known_properties_are_inlined(kind):
    """The others are dropped by one of the email programs that matter."""
    used = {name for element in page_of(kind).elements for name in element.style}
    assert used - {*KNOWN_PROPERTIES.split()} == set()


def test_head_prepares_every_mail_program():
    html = samples.render_sample("receipt", "de").html
    head, body = html.split("</head>")
    for expected in ('<html lang="de" dir="ltr"', '<meta charset="utf-8">', 'name="color-scheme"', "PixelsPerInch"):
        assert expected in head
    assert '<div lang="de" dir="ltr" role="article"' in body
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == 3
    assert "<style" not in body
    assert "data-css-inline" not in html
    styles = re.findall(r"<style>(.*?)</style>", re.sub(r"<!--.*?-->", "", head, flags=re.DOTALL), re.DOTALL)
    assert sum(map(len, styles)) < 12_000
    dark, outlook = styles[-2:]
    assert dark.strip().startswith("@media (prefers-color-scheme: dark)")
    assert "[data-ogsc]" in outlook
    assert "[data-ogsb]" in outlook
    assert len(html.encode()) < 40_000


def test_right_to_left_languages_are_mirrored():
    for language, start, end in (("ar", "right", "left"), ("de", "left", "right")):
        page = page_of("receipt", language)
        wrapper = next(element for element in page.elements if element.attributes.get("role") == "article")
        assert wrapper.attributes["dir"] == ("rtl" if start == "right" else "ltr")
        [card] = page.having("card")
        assert (card.attributes["align"], card.style["text-align"]) == (start, start)
        for amount in page.having("amount"):
            assert (amount.attributes["align"], amount.style["text-align"]) == (end, end)
        assert all(element.style.get("text-align") == start for element in page.elements if element.tag == "p")


def test_logo_replaces_the_name_in_the_header(settings):
    settings.BRAND_LOGO_URL, settings.BRAND_LOGO_WIDTH = "https://cdn.acme.example/logo.png", 96
    [logo] = [element for element in page_of("welcome").elements if element.tag == "img"]
    assert logo.attributes["alt"] == "Acme"
    assert logo.attributes["width"] == "96"
    assert (logo.style["max-width"], logo.style["height"]) == ("100%", "auto")
    assert "Acme" not in page_of("welcome").text_of("header")


def test_company_without_an_address_leaves_no_gap(settings):
    settings.BRAND_ADDRESS = settings.BRAND_TAX_ID = ""
    rendered = samples.render_sample("receipt", "en")
    assert "From: Acme\n\nBilled to" in rendered.text
    assert rendered.text.endswith("support@acme.example.\n\nAcme\n")
    assert "<br></" not in rendered.html


def test_button_is_a_cell_with_a_clickable_surface(write_kind):
    part = '{% include "emails/_parts/button.html" with url="https://a.example/x" label="Go" %}'
    write_kind("old", html=CONTENT.replace("$MORE", part))
    page = Page(render_email("old", {"name": "Ada"}).html)
    [cell] = page.having("button")
    [link] = [element for element in page.elements if element.attributes.get("href") == "https://a.example/x"]
    assert cell.attributes["bgcolor"] == cell.style["background-color"] == "#2456d6"
    assert cell.style["mso-padding-alt"] == link.style["padding"]
    assert link.style["display"] == "inline-block"
    height = 2 * 12 + int(link.style["line-height"].removesuffix("px"))
    assert height >= 44


def test_kind_without_blocks_of_its_own_keeps_working(write_kind):
    more = '<p class="small">x</p><p><a class="button" href="https://a.example/">Go</a></p>'
    write_kind("old", html=CONTENT.replace("$MORE", more))
    rendered = render_email("old", {"name": "Ada"})
    page = Page(rendered.html)
    assert page.text_of("h1") == rendered.subject == "Hi Ada"
    assert page.text_of("preheader") == ""
    assert "because you have an account at Acme" in page.text_of("footer")
    [button] = page.having("button")
    assert button.style["background-color"] == "#2456d6"
    assert rendered.text == "Hi Ada\n"  # as the template says, without a footer


def test_layout_of_your_own_keeps_its_media_queries(write_kind):
    style = "<style>p { color: #111111 } @media (max-width: 9px) { p { color: #222222 } }</style>"
    write_kind("own", html=f"<html><head>{style}</head><body><p>Hi {{{{ name }}}}</p></body></html>")
    html = render_email("own", {"name": "Ada"}).html
    assert "@media (max-width: 9px)" in html
    assert '<p style="color: #111111;">' in html


def test_templates_of_kinds_contain_no_styles():
    """Colors and sizes are in the layout, so that a change there reaches all kinds."""
    for folder in samples.folders().values():
        html = (Path(folder) / "body.html").read_text("utf-8")
        assert not re.search(r"style=|<style|bgcolor|#[0-9a-f]{6}\b", html), folder.name


@pytest.mark.parametrize("color", ["#2456d6", "#25d", "#ffffff", "#000000", "#ffe600", "#808080", "#e11d48", "#777777"])
def test_brand_color_in_three_digits_is_written_in_six(color):
    assert re.fullmatch("#[0-9a-f]{6}", six_digits(color))
    assert all(re.fullmatch("#[0-9a-f]{6}", tone) for tone in (*colors_for(color)["light"].values(),))  # type: ignore[union-attr]
