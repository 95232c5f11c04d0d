"""What only MIME can express about a message: the order and types of its parts, and its charset.

The providers' APIs have no fields for these, but SMTP delivers exactly what Django alone would.
"""

import codecs
from email.charset import Charset
from typing import Any, NamedTuple, Self

from emails.errors import InvalidMessage

TEXT, HTML, EMPTY = "text/plain", "text/html", ""

# For each body in Django's order: its type as the caller wrote it, and its place in the neutral form, which is TEXT,
# HTML, EMPTY, or its position among the alternatives.
Layout = tuple[tuple[str, str], ...]

# How nearly all messages begin.
USUAL_STARTS = {((TEXT, TEXT),), ((TEXT, EMPTY),), ((HTML, HTML),), ((TEXT, TEXT), (HTML, HTML))}


class Encoding(NamedTuple):
    """A charset and, if the caller passed a ``Charset``, how it encodes headers and bodies."""

    charset: str
    header_encoding: int | None = None
    body_encoding: int | None = None
    is_custom: bool = True

    @classmethod
    def named(cls, charset: str) -> Self:
        """Return the charset of that name. Raises ``InvalidMessage`` if Python doesn't know it."""
        try:
            codecs.lookup(charset)
        except LookupError:
            known = False
        else:
            known = True
        if not known:
            raise InvalidMessage(f"The encoding {charset[:80]!r} is unknown. Use utf-8.")
        return cls(charset, is_custom=False)

    def to_django(self) -> Any:
        """Return the value of ``EmailMessage.encoding``: a str or a ``Charset``."""
        if not self.is_custom:
            return self.charset
        charset: Any = Charset(self.charset)
        charset.header_encoding, charset.body_encoding = self.header_encoding, self.body_encoding
        return charset


def is_implied(layout: Layout) -> bool:
    """Return whether the neutral form implies this layout: a usual start, and then only alternatives."""
    if layout in USUAL_STARTS:
        return True
    start = next((number for number, (_, place) in enumerate(layout) if place.isdecimal()), len(layout))
    return layout[:start] in USUAL_STARTS and all(place.isdecimal() for _, place in layout[start:])


def bare_type(content_type: str) -> str:
    """Return the type in lowercase without a charset, because all text is converted to Unicode.

    Other parameters stay, so a text with one doesn't count as plain text.
    """
    if ";" not in content_type:
        return content_type.lower()
    bare, *parameters = (piece.strip() for piece in content_type.lower().split(";"))
    return "; ".join([bare, *(piece for piece in parameters if piece and not piece.startswith("charset="))])
