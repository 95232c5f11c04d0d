"""The styles that elements have after all rules, in light and in dark mode, as far as the lint needs them."""

import re
from collections.abc import Sequence
from functools import cached_property

from emails.lint import colors
from emails.lint.colors import Color
from emails.lint.document import Document, Element
from emails.lint.stylesheets import Declaration, Rule, applies, declarations, specificity_for

LIGHT, DARK = "light", "dark"
# What Chromium shows without any style.
CANVAS = {LIGHT: colors.WHITE, DARK: colors.from_hex("#121212")}
TEXT = {LIGHT: colors.BLACK, DARK: colors.WHITE}
LINK = {LIGHT: colors.from_hex("#0000ee"), DARK: colors.from_hex("#9e9eff")}
DEFAULT_SIZE = 16.0
HEADING_SIZES = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h4": 1.0, "h5": 0.83, "h6": 0.67, "small": 0.83}
BOLD = frozenset(["b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"])
LENGTH = re.compile(r"([\d.]+)(px|pt|em|rem|%)?")
PIXELS = {"px": 1.0, None: 1.0, "pt": 96 / 72}
HIDDEN = {
    "display": r"none",
    "visibility": r"hidden|collapse",
    "opacity": r"0(?:\.0*)?",
    "mso-hide": r"all",
    "font-size": r"0(?:px|pt)?",
    "max-height": r"0(?:px)?",
}


class Styles:
    """The computed styles of one document in one color scheme."""

    def __init__(self, document: Document, rules: Sequence[Rule], scheme: str) -> None:
        self.document = document
        self.scheme = scheme
        self.rules = [rule for rule in rules if applies(rule.media, scheme)]
        # By the identity of the element, because every text asks for all of its ancestors.
        self.known: dict[int, dict[str, str]] = {}
        self.colors: dict[int, Color] = {}
        self.backgrounds: dict[int, Color] = {}
        self.hidden: dict[int, bool] = {}
        self.sizes: dict[int, float] = {}

    def of(self, element: Element) -> dict[str, str]:
        """Return the declared values of the element, without inherited ones."""
        if id(element) not in self.known:
            self.known[id(element)] = self._declared(element)
        return self.known[id(element)]

    def _declared(self, element: Element) -> dict[str, str]:
        inline = declarations(element.attributes.get("style", ""))
        matching = [
            (specificity, index, rule.declarations)
            for index, rule in enumerate(self.rules)
            if (specificity := specificity_for(element, rule.selectors)) is not None
        ]
        ordered: list[Declaration] = [one for *_, block in sorted(matching, key=lambda m: m[:2]) for one in block]
        layers = [
            [one for one in ordered if not one.is_important],
            [one for one in inline if not one.is_important],
            [one for one in ordered if one.is_important],
            [one for one in inline if one.is_important],
        ]
        return {one.name: one.value.lower() for layer in layers for one in layer}

    @cached_property
    def knows_dark(self) -> bool:
        """Whether the email declares that it supports dark mode, so that the default colors are dark ones."""
        root = self.document.first("html")
        declared = self.of(root).get("color-scheme", "") if root else ""
        metas = (meta.attributes for meta in self.document.all("meta"))
        named = [meta.get("content", "") for meta in metas if meta.get("name", "").lower() == "color-scheme"]
        return "dark" in " ".join([declared, *named])

    @property
    def default_scheme(self) -> str:
        return DARK if self.scheme == DARK and self.knows_dark else LIGHT

    def color(self, element: Element) -> Color:
        """Return the color of the element's text, which may be transparent."""
        if id(element) not in self.colors:
            self.colors[id(element)] = self._color(element)
        return self.colors[id(element)]

    def _color(self, element: Element) -> Color:
        declared = self.of(element).get("color") or element.attributes.get("color", "")
        if declared and declared not in ("inherit", "currentcolor", "unset"):
            return colors.parse(declared) or TEXT[self.default_scheme]
        if element.tag == "a" and "href" in element.attributes and not declared:
            return LINK[self.default_scheme]
        return self.color(element.parent) if element.parent else TEXT[self.default_scheme]

    def declared_background(self, element: Element) -> Color | None:
        """Return the background of this element itself. None if it has none."""
        style = self.of(element)
        for name in ("background-color", "background"):
            if name in style and (found := colors.parse(style[name])) is not None:
                return found
        if "background-color" in style:
            return None
        return colors.parse(element.attributes.get("bgcolor", "")) if "bgcolor" in element.attributes else None

    def background(self, element: Element) -> Color:
        """Return the opaque color behind the element's text."""
        if id(element) not in self.backgrounds:
            below = self.background(element.parent) if element.parent else CANVAS[self.default_scheme]
            own = self.declared_background(element)
            self.backgrounds[id(element)] = below if own is None else own.over(below)
        return self.backgrounds[id(element)]

    def has_background(self, element: Element) -> bool:
        return any((found := self.declared_background(one)) and found.alpha for one in element.ancestors())

    def font_size(self, element: Element) -> float:
        """Return the size of the element's text in pixels."""
        if id(element) not in self.sizes:
            self.sizes[id(element)] = self._font_size(element)
        return self.sizes[id(element)]

    def _font_size(self, element: Element) -> float:
        if element.parent is None:
            return DEFAULT_SIZE
        match = LENGTH.match(self.of(element).get("font-size", ""))
        if match is None:
            return self.font_size(element.parent) * HEADING_SIZES.get(element.tag, 1.0)
        size, unit = float(match[1]), match[2]
        if unit in PIXELS:
            return size * PIXELS[unit]
        if unit == "rem":
            return size * DEFAULT_SIZE
        return size * self.font_size(element.parent) / (100 if unit == "%" else 1)

    def is_bold(self, element: Element) -> bool:
        for ancestor in element.ancestors():
            weight = self.of(ancestor).get("font-weight", "")
            if weight and weight != "inherit":
                return weight in ("bold", "bolder") or (weight.isdecimal() and int(weight) >= 600)
            if ancestor.tag in BOLD:
                return True
        return False

    def is_hidden(self, element: Element) -> bool:
        if id(element) not in self.hidden:
            style = self.of(element)
            is_hidden = "hidden" in element.attributes or any(
                re.fullmatch(pattern, style[name]) for name, pattern in HIDDEN.items() if name in style
            )
            self.hidden[id(element)] = is_hidden or (element.parent is not None and self.is_hidden(element.parent))
        return self.hidden[id(element)]
