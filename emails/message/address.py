"""A mailbox: a display name and an email address, parsed without MIME."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, Self

import idna

from common.email_addresses import encode_domain
from emails.errors import InvalidMessage
from emails.message.text_rules import header_text

# One pattern that matches nearly all addresses, and saves them the general rules below.
PLAIN = re.compile(
    r"(?:(?P<name>[^\"\\(),:;<>@\[\]=]*?)\s*<)?(?P<local>[^\s\"\\(),:;<>@\[\]]+)@(?P<domain>[A-Za-z0-9.-]+)(?P<end>>?)"
)
QUOTED_NAME = re.compile(r"\"((?:[^\"\\]|\\.)*)\"\s*<([^<>]+)>")
# A name with a comma or quotes may also be unquoted, unless the text could be read as two addresses. Python's own
# parsers handle this differently from release to release.
UNQUOTED_NAME = re.compile(r"([^<>@]*)<([^<>]+)>")
# Outlook and others use an email address without a name as its own name.
NAMED_BY_ITSELF = re.compile(r"([^<>]*)<([^<>]+)>")
LOCAL_PART = re.compile(r"[^\s\"\\(),:;<>@\[\]]+|\"(?:[^\"\\]|\\.)*\"")
DOMAIN = re.compile(r"(?!.*\.\.)(?![.-])[A-Za-z0-9._-]{1,253}(?<![.-])")
DOMAIN_LITERAL = re.compile(r"\[[A-Za-z0-9:.]+\]")
MAX_CHARACTERS = 1000  # bounds the time that the patterns take
# RFC 5322, section 3.2.3: a name with one of these must be quoted.
SPECIALS = re.compile(r"[()<>@,:;\".\[\]\\]")


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox. ``email`` is in the form that APIs accept: bare, with the domain in ASCII (IDNA 2008)."""

    name: str
    email: str

    @classmethod
    def parse(cls, value: Any, field: str = "address") -> Self:
        """Parse ``addr``, ``Name <addr>``, ``"Name, with comma" <addr>``, or an RFC 2047-encoded name.

        Raises ``InvalidMessage``.
        """
        text = header_text(field, value).strip()
        if len(text) > MAX_CHARACTERS:
            raise _unreadable(text, field)
        match = PLAIN.fullmatch(text)
        # The pattern can't pair the brackets: either both are there, around the address, or neither.
        if match and (match["name"] is not None) == bool(match["end"]):
            name = (match["name"] or "").strip()
            return cls(name, f"{match['local']}@{_domain(match['domain'], text, field)}")
        name, mailbox = _split(text)
        local, _, domain = mailbox.rpartition("@")
        if not LOCAL_PART.fullmatch(local):
            raise _unreadable(text, field)
        return cls(_decoded(name, field), f"{local}@{_domain(domain, text, field)}")

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]

    def __str__(self) -> str:
        """Return ``Name <addr>`` in plain Unicode. The name is quoted if it contains special characters."""
        if not self.name:
            return self.email
        if not SPECIALS.search(self.name):
            return f"{self.name} <{self.email}>"
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{self.email}>'


def parse_all(values: Iterable[Any] | None, field: str) -> Iterator[Address]:
    """Parse a list of addresses and skip empty entries."""
    return (Address.parse(value, field) for value in entries(values, field))


def entries(values: Iterable[Any] | None, field: str) -> Iterator[Any]:
    """Return the entries of an address field that aren't empty. Raises ``InvalidMessage`` for a string."""
    # A string is a sequence of characters, and each of them would be taken for an address. Django refuses it as well.
    if isinstance(values, str):
        raise InvalidMessage(f"{field} is a string. Pass a list of email addresses.")
    return (value for value in values or () if value)


def without_repeats(*fields: Iterable[Address]) -> list[tuple[Address, ...]]:
    """Return the fields with each address only where it occurs first. Ignores case."""
    # SendGrid refuses a request in which an address occurs twice.
    seen: set[str] = set()
    kept: list[tuple[Address, ...]] = []
    for field in fields:
        fresh: dict[str, Address] = {}
        for address in field:
            fresh.setdefault(address.email.lower(), address)
        kept.append(tuple(address for email, address in fresh.items() if email not in seen))
        seen.update(fresh)
    return kept


def _split(text: str) -> tuple[str, str]:
    quoted = QUOTED_NAME.fullmatch(text)
    if quoted:
        # A backslash in a quoted name makes the next character literal (RFC 5322).
        return re.sub(r"\\(.)", r"\1", quoted[1]), quoted[2].strip()
    unquoted = UNQUOTED_NAME.fullmatch(text)
    if unquoted:
        return unquoted[1].strip(), unquoted[2].strip()
    named = NAMED_BY_ITSELF.fullmatch(text)
    if named and named[1].strip().lower() == named[2].strip().lower():
        return "", named[2].strip()
    return "", text


def _decoded(name: str, field: str) -> str:
    if "=?" not in name:
        return name
    try:
        decoded = str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, UnicodeError):  # it only looks encoded, so it is shown as it is
        return name
    return header_text(f"name in the {field}", decoded)


def _domain(domain: str, text: str, field: str) -> str:
    if not domain.isascii():
        try:
            return encode_domain(domain)
        except idna.IDNAError as error:
            reason = str(error)
        raise InvalidMessage(f"The domain in the {field} {text[:320]!r} is not valid in IDNA 2008: {reason}.")
    if DOMAIN.fullmatch(domain) or DOMAIN_LITERAL.fullmatch(domain):
        return domain
    raise _unreadable(text, field)


def _unreadable(text: str, field: str) -> InvalidMessage:
    return InvalidMessage(
        f"The {field} {text[:320]!r} is not a single email address. Write name@example.com or Name <name@example.com>."
    )
