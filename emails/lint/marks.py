"""Rendering with marks, which say for each character of the result which line of which template it comes from.

Every node of a template writes one invisible character in front of its output, which stands for its template and line.
The marks are taken out again before anything else looks at the result.
"""

import enum
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.template import Context, Engine, Node, NodeList
from django.template.base import TextNode, Token, VariableNode

from emails.lint.findings import Place
from emails.rendering import render_part
from emails.strict_templates import StrictEngine, StrictParser, line_of, template_name

# A plane for private use: no text of an email contains these characters.
FIRST_MARK, MAX_MARKS = 0xF0000, 0xFFFD
MARK = re.compile("[\U000f0000-\U000ffffd]")


class Origin(enum.StrEnum):
    """What wrote a piece of the result."""

    LITERAL = "literal"  # text of the template itself
    VARIABLE = "variable"
    TAG = "tag"  # for example a translation, whose text may contain variables


class Mark(NamedTuple):
    """Where a piece of the result begins in the templates."""

    place: Place
    origin: Origin


# Shared by all results, because compiled templates are, and bounded by the number of lines in all templates.
marks: list[Mark] = []
numbers: dict[Mark, int] = {}


def character_of(mark: Mark) -> str:
    number = numbers.setdefault(mark, len(marks))
    if number == len(marks):
        marks.append(mark)
    return chr(FIRST_MARK + number % MAX_MARKS)


class MarkingParser(StrictParser):
    def extend_nodelist(self, nodelist: NodeList, node: Node, token: Token) -> None:
        super().extend_nodelist(nodelist, node, token)
        place = Place(f"templates/{template_name(self.origin)}", line_of(token))
        origin = {TextNode: Origin.LITERAL, VariableNode: Origin.VARIABLE}.get(type(node), Origin.TAG)
        render: Any = node.render_annotated
        # NodeList calls this method, and calls it on the instance.
        vars(node)["render_annotated"] = partial(with_mark, character_of(Mark(place, origin)), render)


def with_mark(character: str, render: Any, context: Context) -> str:
    return character + str(render(context))


class MarkingEngine(StrictEngine):
    parser_class = MarkingParser


@lru_cache(maxsize=8)
def marking_engine(source: Engine) -> MarkingEngine:
    return MarkingEngine(source)


def render_with_marks(engine: str, kind: str, part: str, context: Mapping[str, object]) -> str:
    return render_part(engine, kind, part, context, marking_engine)


@dataclass(frozen=True, slots=True)
class Source:
    """A rendered text without its marks, and the mark of each position."""

    text: str
    starts: tuple[int, ...] = ()
    marks: tuple[Mark, ...] = ()

    @classmethod
    def of(cls, marked: str) -> "Source":
        """Return the text of a rendered part, with or without marks."""
        pieces, starts, found, length = [], [], [], 0
        for piece in re.split(f"({MARK.pattern})", marked):
            if MARK.fullmatch(piece):
                starts.append(length)
                found.append(marks[ord(piece) - FIRST_MARK])
            else:
                pieces.append(piece)
                length += len(piece)
        return cls("".join(pieces), tuple(starts), tuple(found))

    def mark_at(self, offset: int) -> tuple[Mark, int] | None:
        """Return the mark of the piece at this position, and where the piece starts."""
        index = bisect_right(self.starts, offset) - 1
        return (self.marks[index], self.starts[index]) if index >= 0 else None

    def place(self, offset: int) -> Place:
        """Return the line of the template that wrote this position. Empty if the text has no marks."""
        found = self.mark_at(offset)
        if found is None:
            return Place()
        mark, start = found
        # Only in the template's own text do line breaks count: a variable stays on the line that names it.
        breaks = self.text.count("\n", start, offset) if mark.origin == Origin.LITERAL else 0
        return Place(mark.place.file, mark.place.line + breaks)

    def origin(self, offset: int) -> Origin | None:
        found = self.mark_at(offset)
        return found[0].origin if found else None
