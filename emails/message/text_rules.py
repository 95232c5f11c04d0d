"""Which characters may stand in a mail. JSON would carry any, and the receiving server would choke or be fooled."""

import re
from typing import Any

from emails.errors import InvalidHeader, InvalidMessage

CONTROL_BYTES = bytes(set(range(0x20)) - set(b"\t\r\n"))
HEADER_CONTROLS = re.compile(r"[\x00-\x1f]")
HEADER_NAME = re.compile(r"[!-9;-~]+")


def body_text(field: str, value: Any) -> str:
    """The value as str (lazy translations are resolved), free of control characters other than tab and line ends."""
    text = str(value)
    encoded = utf8(field, text)
    if len(encoded.translate(None, CONTROL_BYTES)) != len(encoded):
        raise InvalidMessage(f"The {field} contains a control character. Remove it before sending.")
    return text


def header_text(field: str, value: Any) -> str:
    """The value as str, fit for one line of a mail header."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    utf8(field, text)
    if HEADER_CONTROLS.search(text.replace("\t", " ")):
        raise InvalidHeader(
            f"The {field} contains a line break or control character, which could inject a header. Remove it."
        )
    return text


def header_name(name: Any) -> str:
    text = str(name)
    if not HEADER_NAME.fullmatch(text):
        raise InvalidHeader(f"{text[:80]!r} is not a header name. Use only printable ASCII without colons or spaces.")
    return text


def utf8(field: str, text: str) -> bytes:
    """The text encoded; half a surrogate pair, which UTF-8 has no bytes for, is refused in words."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    raise InvalidMessage(
        f"The {field} contains an unpaired surrogate, which is not a character. Remove it before sending."
    )
