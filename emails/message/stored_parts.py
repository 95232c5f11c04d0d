"""MIME parts that callers attach, stored byte for byte so that SMTP delivers what Django alone would."""

import re
from email import policy
from email.errors import MessageError
from email.message import Message as MimePart
from email.message import MIMEPart
from email.mime.base import MIMEBase
from email.parser import BytesParser
from typing import Any

from emails.errors import InvalidMessage
from emails.message.text_rules import header_name, header_text

FOLD = re.compile(r"\r?\n(?=[ \t])")


class StoredPart(MIMEPart, MIMEBase):
    """A part that every version of Django accepts as an attachment: up to 5.2 a MIMEBase, from 7.0 on a MIMEPart."""

    def __init__(self, policy: Any = policy.compat32) -> None:
        # The next class in order would be MIMEBase, which asks for a type. The parser sets the type as a header.
        MimePart.__init__(self, policy)


def stored(part: MimePart) -> bytes:
    """Return the part's bytes. Raises ``InvalidMessage`` for a header that could inject others."""
    for name, value in part.items():
        header_name(name)
        header_text(f"attachment's {name}", unfolded(value))
    try:
        return part.as_bytes()
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise InvalidMessage(f"An attached MIME part can't be written: {reason[:200]}.")


def restored(data: bytes) -> StoredPart:
    """Return the part that ``stored()`` made these bytes from."""
    parser: Any = BytesParser(_class=StoredPart, policy=policy.compat32)
    part: StoredPart = parser.parsebytes(data)
    return part


def unfolded(value: Any) -> str:
    """Return the value of a header on one line."""
    return FOLD.sub("", str(value))
