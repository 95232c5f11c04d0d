"""SPF records and their terms: RFC 7208, sections 4.5, 4.6, 5, and 6."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

VERSION = "v=spf1"
MECHANISM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:(:)([^/].*|)|(?=/|$))(/.*)?", re.IGNORECASE)
MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.IGNORECASE)
PREFIX_LENGTHS = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?")
MACRO_STRING = re.compile(r"(?:%\{[slodiphcrtv][0-9]*r?[.+,/_=-]*\}|%[%_-]|[!-$&-~])*", re.IGNORECASE)
# The last label of a name must not be a number: "a:192.0.2.1" is a mistake for "ip4:192.0.2.1".
NAME_END = re.compile(
    r"(?:.*\.(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])\.?|.*%\{[^}]*\}|.*%[%_-])", re.I
)
NEED_NAME = {"include", "exists"}
MAY_HAVE_NAME = {"a", "mx", "ptr"}
HAVE_PREFIX_LENGTHS = {"a", "mx"}

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class SpfSyntaxError(ValueError):
    """A record that every receiver refuses."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One term. ``name`` is the domain in it with its macros, or empty for the record's own domain."""

    qualifier: str
    kind: str
    name: str = ""
    network: Network | None = None
    prefix_lengths: tuple[int, int] = (32, 128)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class SpfRecord:
    mechanisms: tuple[Mechanism, ...] = ()
    modifiers: dict[str, str] = field(default_factory=dict)

    @property
    def redirect(self) -> str:
        """The domain whose record replaces this one. It has no effect beside ``all``."""
        has_all = any(mechanism.kind == "all" for mechanism in self.mechanisms)
        return "" if has_all else self.modifiers.get("redirect", "")


def selected(texts: Iterable[str]) -> list[str]:
    """Return the TXT records that are SPF records."""
    return [text for text in texts if text.lower() == VERSION or text.lower().startswith(f"{VERSION} ")]


def almost(texts: Iterable[str]) -> list[str]:
    """Return the TXT records that are meant as SPF records, but that no receiver recognizes."""
    return [text for text in texts if re.match(r"\W*(?:v\W{0,3}spf|spf\d)", text, re.I) and not selected([text])]


def parse(text: str) -> SpfRecord:
    """Parse a selected record. Raises ``SpfSyntaxError``, because one wrong term makes the whole record unusable."""
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text.split(" ")[1:]:
        if modifier := MODIFIER.fullmatch(term):
            _add(modifiers, modifier[1].lower(), modifier[2], term)
        elif term:
            mechanisms.append(_mechanism(term))
    return SpfRecord(tuple(mechanisms), modifiers)


def _add(modifiers: dict[str, str], name: str, value: str, term: str) -> None:
    if name in ("redirect", "exp"):
        if name in modifiers:
            raise SpfSyntaxError(f"it contains {name}= twice")
        _check_name(value, term)
    elif not MACRO_STRING.fullmatch(value):
        raise _unreadable(term)
    modifiers.setdefault(name, value)


def _mechanism(term: str) -> Mechanism:
    match = MECHANISM.fullmatch(term)
    if not match:
        raise _unreadable(term)
    qualifier, kind = match[1] or "+", match[2].lower()
    rest = (match[4] or "") + (match[5] or "")
    if kind in ("ip4", "ip6"):
        return Mechanism(qualifier, kind, network=_network(kind, rest, term))
    if kind == "all" and (match[3] or rest):
        raise _unreadable(term)
    name, lengths = _split(rest, term) if kind in HAVE_PREFIX_LENGTHS else (rest, (32, 128))
    if match[3] or name or kind in NEED_NAME:
        _check_name(name, term)
    return Mechanism(qualifier, kind, name, prefix_lengths=lengths)


def _split(rest: str, term: str) -> tuple[str, tuple[int, int]]:
    """Split "example.com/24//64" into the name and the lengths of the IPv4 and IPv6 prefixes."""
    match = re.fullmatch(r"(.*?)((?:/[0-9]*)?(?://[0-9]*)?)", rest)
    lengths = PREFIX_LENGTHS.fullmatch(match[2]) if match else None
    if not match or not lengths or int(lengths[1] or 32) > 32 or int(lengths[2] or 128) > 128:
        raise _unreadable(term)
    return match[1], (int(lengths[1] or 32), int(lengths[2] or 128))


def _network(kind: str, text: str, term: str) -> Network:
    address, slash, length = text.partition("/")
    is_plain = re.fullmatch(r"[0-9.]+" if kind == "ip4" else r"[0-9a-f:.]+", address, re.IGNORECASE)
    has_length = not slash or re.fullmatch(r"0|[1-9][0-9]{0,2}", length)
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise _unreadable(term) from None
    if not is_plain or not has_length or network.version != int(kind[2]):
        raise _unreadable(term)
    return network


def _check_name(name: str, term: str) -> None:
    if not MACRO_STRING.fullmatch(name) or not NAME_END.fullmatch(name):
        raise _unreadable(term)


def _unreadable(term: str) -> SpfSyntaxError:
    return SpfSyntaxError(f"receivers can't read {term!r} in it")
