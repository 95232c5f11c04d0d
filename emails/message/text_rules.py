"""Which characters a message may contain.

JSON can carry any character, but the receiving server may reject the message, or read a forged header.
"""

import re
from typing import Any

from emails.errors import InvalidHeader, InvalidMessage

CONTROL_BYTES = bytes(set(range(0x20)) - set(b"\t\r\n"))
HEADER_CONTROLS = re.compile(r"[\x00-\x1f]")
HEADER_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, section 3.6.8


def body_text(field: str, value: Any) -> str:
    """Return the value as a str, which resolves lazy translations.

    Raises ``InvalidMessage`` for control characters other than tabs and line breaks.
    """
    text = str(value)
    encoded = utf8(field, text)
    # translate() takes a third of the time that a regular expression takes, and bodies can be megabytes.
    if len(encoded.translate(None, CONTROL_BYTES)) != len(encoded):
        raise InvalidMessage(f"The {field} contains a control character. Remove it before sending.")
    return text


def header_text(field: str, value: Any) -> str:
    """Return the value as a str that fits into one header line.

    Raises ``InvalidHeader`` for control characters, and ``InvalidMessage`` for bytes, whose str() begins with "b'".
    """
    if isinstance(value, bytes | bytearray):
        raise InvalidMessage(f"The {field} is bytes. Pass a str.")
    text = str(value)
    if text.isascii() and text.isprintable():  # nearly every header, and faster than the checks below
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
    """Return the text encoded. Raises ``InvalidMessage`` for half of a surrogate pair, which UTF-8 can't encode."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    raise InvalidMessage(
        f"The {field} contains an unpaired surrogate, which is not a character. Remove it before sending."
    )
