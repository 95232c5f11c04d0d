"""The HTML of an email as a tree of elements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID_TAGS = "area base br col embed hr img input link meta param source track wbr"
VOID = frozenset(VOID_TAGS.split(" "))
# A start tag ends these elements if they are open inside the given container.
IMPLIED_ENDS = {
    "p": ({"p"}, {"div", "td", "th", "li", "body", "center", "blockquote"}),
    "li": ({"li", "p"}, {"ul", "ol"}),
    "tr": ({"tr", "td", "th", "p"}, {"table", "tbody", "thead", "tfoot"}),
    "td": ({"td", "th", "p"}, {"tr", "table"}),
    "th": ({"td", "th", "p"}, {"tr", "table"}),
    "tbody": ({"tbody", "thead", "tr", "td", "th", "p"}, {"table"}),
}
INVISIBLE = frozenset({"head", "style", "script", "title", "template", "noscript"})
MAX_DEPTH = 150  # of nested elements; deeper ones count as neighbors, because the lint is recursive
NUMBER = "data-lint"  # the attribute that connects an element with its start tag before the CSS was inlined


@dataclass(eq=False)
class Element:
    """One element. ``at`` is the position of its start tag in the HTML before the CSS was inlined."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    at: int = -1
    children: "list[Element | str]" = field(default_factory=list)

    def descendants(self) -> "Iterator[Element]":
        """Yield this element and all elements in it, in the order of the document."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.descendants()

    def ancestors(self) -> "Iterator[Element]":
        """Yield this element, its parent, and so on."""
        element: Element | None = self
        while element is not None:
            yield element
            element = element.parent

    def texts(self) -> "Iterator[tuple[Element, str]]":
        """Yield each text that a reader could see, with the element that contains it directly."""
        if self.tag in INVISIBLE:
            return
        for child in self.children:
            if isinstance(child, Element):
                yield from child.texts()
            else:
                yield self, child

    @property
    def text(self) -> str:
        return " ".join("".join(text for _, text in self.texts()).split())

    def inside(self, *tags: str) -> bool:
        return any(element.tag in tags for element in self.ancestors())


@dataclass
class Document:
    """A parsed email."""

    root: Element
    has_doctype: bool = False
    comments: list[tuple[int, str]] = field(default_factory=list)  # position and content

    def all(self, *tags: str) -> Iterator[Element]:
        return (element for element in self.root.descendants() if not tags or element.tag in tags)

    def first(self, *tags: str) -> Element | None:
        return next(self.all(*tags), None)


class PositionParser(HTMLParser):
    """A parser that knows its position as an index."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = [0, *(match.end() for match in re.finditer("\n", html))]

    @property
    def position(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column


class Builder(PositionParser):
    """Builds a document as browsers do, as far as emails need it."""

    def __init__(self, html: str, places: dict[int, int]) -> None:
        super().__init__(html)
        self.places = places
        self.document = Document(Element("#root", {}))
        self.open = [self.document.root]
        self.feed(html)
        self.close()

    def handle_decl(self, decl: str) -> None:
        self.document.has_doctype |= decl.lower().startswith("doctype")

    def handle_comment(self, data: str) -> None:
        self.document.comments.append((self.position, data))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.end_implied(tag)
        attributes = {name: value or "" for name, value in reversed(attrs)}  # the first of equal names wins
        number = attributes.pop(NUMBER, "")
        at = self.places.get(int(number), -1) if number.isdecimal() else (-1 if self.places else self.position)
        parent = self.open[-1]
        element = Element(tag, attributes, parent, at if at >= 0 else parent.at)
        parent.children.append(element)
        if tag not in VOID and len(self.open) < MAX_DEPTH:
            self.open.append(element)

    def end_implied(self, tag: str) -> None:
        closed, containers = IMPLIED_ENDS.get(tag, (set(), set()))
        for depth in range(len(self.open) - 1, 0, -1):
            if self.open[depth].tag in containers:
                return
            if self.open[depth].tag in closed:
                del self.open[depth:]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID and self.open[-1].tag == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self.open) - 1, 0, -1):
            if self.open[depth].tag == tag:
                del self.open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str, places: dict[int, int] | None = None) -> Document:
    """Return the tree. ``places`` has the position of each numbered start tag before the CSS was inlined."""
    return Builder(html, places or {}).document


class Numberer(PositionParser):
    """Numbers the start tags of a document, and remembers where they are."""

    def __init__(self, html: str) -> None:
        super().__init__(html)
        self.places: dict[int, int] = {}
        self.pieces: list[str] = []
        self.html, self.done = html, 0
        self.feed(html)
        self.close()
        self.pieces.append(html[self.done :])

    def handle_starttag(self, tag: str, attrs: object) -> None:
        number, start = len(self.places), self.position
        self.places[number] = start
        end = start + 1 + len(tag)
        self.pieces += [self.html[self.done : end], f' {NUMBER}="{number}"']
        self.done = end


def numbered(html: str) -> tuple[str, dict[int, int]]:
    """Return the HTML with a number in each start tag, and the position of each tag by its number."""
    numberer = Numberer(html)
    return "".join(numberer.pieces), numberer.places
