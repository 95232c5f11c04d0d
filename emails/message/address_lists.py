"""Lists of email addresses in one text, by RFC 5322, section 3.4."""

import re
from email.errors import MessageError
from email.headerregistry import HeaderRegistry
from typing import Any

from emails.errors import InvalidHeader, InvalidMessage
from emails.message.address import Address
from emails.message.text_rules import header_text

# A comma in a quoted name or in brackets doesn't separate addresses.
PIECE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|<[^<>]*>|[^,\"<]+|.")
READ_HEADER = HeaderRegistry()


def parse_list(value: Any, field: str) -> list[Address]:
    """Return the addresses in the text. Raises ``InvalidMessage``.

    A name may have an unquoted comma if the text can't be read as several addresses.
    """
    try:
        return [Address.parse(value, field)]
    except InvalidHeader:
        raise
    except InvalidMessage as error:
        unreadable = error
    for parse in (_separated, _groups_and_comments):
        try:
            addresses = parse(str(value), field)
        except InvalidMessage:
            continue
        if addresses:
            return addresses
    raise unreadable


def _separated(value: str, field: str) -> list[Address]:
    pieces = [""]
    for piece in PIECE.findall(value):
        if piece == ",":
            pieces.append("")
        else:
            pieces[-1] += piece
    return [Address.parse(piece, field) for piece in pieces if piece.strip()]


def _groups_and_comments(value: str, field: str) -> list[Address]:
    try:
        header: Any = READ_HEADER("Reply-To", value)
        # Python reports many faults as defects and raises some.
        found = [] if header.defects else header.addresses
    # Its parser also raises these for texts that it doesn't expect.
    except (MessageError, ValueError, LookupError, AttributeError, TypeError):
        found = []
    return [
        Address(
            header_text(f"name in the {field}", mailbox.display_name), Address.parse(mailbox.addr_spec, field).email
        )
        for mailbox in found
    ]
