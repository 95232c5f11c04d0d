"""The code blocks of the documentation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.stack import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("**/*.md"))]
FENCE = re.compile(r"(\s*(?:[-*] )?)(```+|~~~+)\s*([\w+-]*).*")
MARK = re.compile(r"\s*<!-- not run: (.*\S.*) -->")
PRODUCTION = "settings.production"


@dataclass(frozen=True)
class Block:
    page: str
    line: int  # of the opening fence
    language: str
    text: str
    reason: str  # why it isn't run; empty if it is

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_for_production(self) -> bool:
        return PRODUCTION in self.text


def blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page)]


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield each fenced block. The mark is a comment on the line above or below it. Fails if a fence has no end."""
    lines = page.read_text().splitlines()
    number = 0
    while number < len(lines):
        opening = FENCE.fullmatch(lines[number])
        if opening is None:
            number += 1
            continue
        indentation, fence, language = opening.groups()
        end = next((n for n in range(number + 1, len(lines)) if lines[n].strip() == fence), None)
        assert end is not None, f"{page.name}:{number + 1}: the block has no end"
        around = (lines[max(number - 1, 0)], *lines[end + 1 : end + 2])
        mark = next(filter(None, map(MARK.fullmatch, around)), None)
        text = "\n".join(line.removeprefix(" " * len(indentation)) for line in lines[number + 1 : end])
        yield Block(str(page.relative_to(ROOT)), number + 1, language, text, mark[1] if mark else "")
        number = end + 1
