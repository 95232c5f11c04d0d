"""Stylesheets and style attributes: their rules and declarations, and which elements a selector matches."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from emails.lint.document import Element

COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
IMPORTANT = re.compile(r"\s*!\s*important\s*$", re.IGNORECASE)
COMPOUND = re.compile(
    r"""(?P<tag>\*|[a-z][\w-]*)|\#(?P<id>[\w-]+)|\.(?P<class>[\w-]+)
    |\[\s*(?P<name>[\w-]+)\s*(?:(?P<operator>[~|^$*]?=)\s*["']?(?P<value>[^"'\]]*)["']?\s*)?\]
    |::?(?P<pseudo>[\w-]+(?:\([^)]*\))?)""",
    re.IGNORECASE | re.VERBOSE,
)
CONDITION = re.compile(r"\(\s*([\w-]+)\s*(?::\s*([^)]+?)\s*)?\)")
WIDTH = 600  # pixels: the width at which the lint looks at an email
Specificity = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Declaration:
    """One ``name: value``. ``written`` is the value as written, and ``at`` its position in the HTML."""

    name: str
    value: str
    is_important: bool = False
    written: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Declarations and the selectors they apply to. ``media`` has the conditions of the blocks around it."""

    selectors: str
    declarations: tuple[Declaration, ...]
    media: tuple[str, ...] = ()
    at: int = 0


@dataclass
class Stylesheet:
    """The content of one <style>."""

    rules: list[Rule] = field(default_factory=list)
    at_rules: list[tuple[str, int]] = field(default_factory=list)  # such as "import" and "font-face", with positions


def declarations(css: str, at: int = 0) -> tuple[Declaration, ...]:
    """Return the declarations of a block or a style attribute."""
    return tuple(_declarations(blanked(css), at))


def _declarations(css: str, at: int) -> Iterator[Declaration]:
    for match in re.finditer(r"""(?:[^;"'(]|"[^"]*"|'[^']*'|\([^)]*\)|["'(])+""", css):
        name, colon, written = match[0].partition(":")
        if colon and name.strip() and written.strip():
            start = match.start() + len(name) - len(name.lstrip())
            value = IMPORTANT.sub("", written).strip()
            yield Declaration(name.strip().lower(), value, value != written.strip(), written.strip(), at + start)


def blanked(css: str) -> str:
    """Return the CSS with spaces in place of comments, so that positions stay the same."""
    return COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), css)


def parse_stylesheet(css: str, at: int = 0) -> Stylesheet:
    sheet = Stylesheet()
    _parse_block(blanked(css), at, (), sheet)
    return sheet


def _parse_block(css: str, at: int, media: tuple[str, ...], sheet: Stylesheet) -> None:
    position = 0
    while position < len(css):
        end = _first(css, "{;", position)
        prelude = css[position:end]
        start = at + position + len(prelude) - len(prelude.lstrip())
        if end == len(css) or css[end] == ";":
            if prelude.strip().startswith("@"):
                sheet.at_rules.append((_at_name(prelude), start))
            position = end + 1
            continue
        close = _matching(css, end)
        body = css[end + 1 : close]
        _add_block(prelude.strip(), body, start, at + end + 1, media, sheet)
        position = close + 1


def _add_block(prelude: str, body: str, at: int, body_at: int, media: tuple[str, ...], sheet: Stylesheet) -> None:
    if not prelude.startswith("@"):
        sheet.rules.append(Rule(prelude, declarations(body, body_at), media, at))
        return
    name = _at_name(prelude)
    sheet.at_rules.append((name, at))
    if name in ("media", "supports"):
        _parse_block(body, body_at, (*media, prelude[len(name) + 1 :].strip() if name == "media" else "none"), sheet)


def _at_name(prelude: str) -> str:
    match = re.match(r"@([\w-]+)", prelude.strip())
    return match[1].lower() if match else ""


def _first(css: str, characters: str, start: int) -> int:
    return min((found for character in characters if (found := css.find(character, start)) >= 0), default=len(css))


def _matching(css: str, start: int) -> int:
    """Return the position of the brace that closes the one at ``start``, or the end."""
    depth = 0
    for position in range(start, len(css)):
        depth += {"{": 1, "}": -1}.get(css[position], 0)
        if depth == 0:
            return position
    return len(css)


# Selectors


def specificity_for(element: Element, selectors: str) -> Specificity | None:
    """Return the highest specificity among the selectors that match the element, or None if none does."""
    matching = [found for one in selectors.split(",") if (found := _match(element, one.strip())) is not None]
    return max(matching, default=None)


def _match(element: Element, selector: str) -> Specificity | None:
    parts = re.sub(r"\s*>\s*", " > ", selector).split()
    if not parts or any(part in "+~" for part in parts):
        return None
    if not _matches_chain(element, parts):
        return None
    found = [part for compound in parts for part in COMPOUND.finditer(compound)]
    kinds = [match.lastgroup for match in found]
    ids = kinds.count("id")
    classes = sum(
        match["class"] is not None or match["name"] is not None or match["pseudo"] is not None for match in found
    )
    return ids, classes, sum(match["tag"] is not None and match["tag"] != "*" for match in found)


def _matches_chain(element: Element, parts: list[str]) -> bool:
    *rest, last = parts
    if not matches_compound(element, last):
        return False
    if not rest:
        return True
    if rest[-1] == ">":
        return element.parent is not None and _matches_chain(element.parent, rest[:-1])
    return any(_matches_chain(ancestor, rest) for ancestor in list(element.ancestors())[1:])


def matches_compound(element: Element, compound: str) -> bool:
    position = 0
    while position < len(compound):
        match = COMPOUND.match(compound, position)
        if match is None or not _matches_simple(element, match):
            return False
        position = match.end()
    return element.tag != "#root" or compound == ":root"


def _matches_simple(element: Element, match: re.Match[str]) -> bool:
    if match["tag"]:
        return match["tag"] in ("*", element.tag)
    if match["id"]:
        return element.attributes.get("id") == match["id"]
    if match["class"]:
        return match["class"] in element.attributes.get("class", "").split()
    if match["name"]:
        return _matches_attribute(element.attributes.get(match["name"].lower()), match["operator"], match["value"])
    pseudo = match["pseudo"].lower()
    return (pseudo == "link" and element.tag == "a" and "href" in element.attributes) or (
        pseudo == "root" and element.tag == "html"
    )


def _matches_attribute(value: str | None, operator: str | None, wanted: str) -> bool:
    if value is None or operator is None:
        return value is not None
    return {
        "=": value == wanted,
        "~=": wanted in value.split(),
        "^=": value.startswith(wanted),
        "$=": value.endswith(wanted),
        "*=": wanted in value,
        "|=": value == wanted or value.startswith(f"{wanted}-"),
    }[operator]


# Media queries


def applies(media: tuple[str, ...], scheme: str) -> bool:
    """Return whether the rules in these blocks apply on a screen of ``WIDTH`` pixels in this color scheme."""
    return all(any(_query_applies(query.strip().lower(), scheme) for query in block.split(",")) for block in media)


def _query_applies(query: str, scheme: str) -> bool:
    is_negated, query = query.startswith("not "), query.removeprefix("not ").removeprefix("only ")
    kind = re.match(r"[\w-]+", query)
    is_met = (kind is None or kind[0] in ("all", "screen")) and all(
        _condition_holds(name, value, scheme) for name, value in CONDITION.findall(query)
    )
    return is_met != is_negated


def _condition_holds(name: str, value: str, scheme: str) -> bool:
    pixels = re.fullmatch(r"([\d.]+)(?:px)?", value)
    if name == "prefers-color-scheme":
        return value == scheme
    if name in ("min-width", "max-width") and pixels:
        return float(pixels[1]) <= WIDTH if name == "min-width" else float(pixels[1]) >= WIDTH
    return False
