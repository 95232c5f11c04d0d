"""Macros in SPF records, such as %{i} for the IP address of the sending server: RFC 7208, section 7."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from emails.domains.spf import Address

MACRO = re.compile(r"%(?:\{([a-z])([0-9]*)(r?)([.+,/_=-]*)\}|([%_-]))", re.IGNORECASE)
LITERALS = {"%": "%", "_": " ", "-": "%20"}
MAX_NAME = 253


@dataclass(frozen=True, slots=True)
class Sender:
    """What a receiver knows about a message when it evaluates SPF. Without ``ip``, any server may have sent it."""

    address: str
    ip: Address | None = None
    helo: str = "mail.invalid"

    @property
    def local_part(self) -> str:
        return self.address.rpartition("@")[0] or "postmaster"

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    def value(self, letter: str, domain: str) -> str | None:
        """Return the value of a macro, or None if it depends on a message that is unknown here."""
        values = {"d": domain, "o": self.domain, "s": f"{self.local_part}@{self.domain}", "l": self.local_part}
        if letter in values:
            return values[letter]
        if self.ip is None:
            return None
        more = {"i": dotted(self.ip), "v": "in-addr" if self.ip.version == 4 else "ip6", "h": self.helo}
        return more.get(letter, "unknown")


def dotted(ip: Address) -> str:
    """Return the address with dots between its parts: the bytes of IPv4, and the digits of IPv6."""
    return str(ip) if ip.version == 4 else ".".join(ip.exploded.replace(":", ""))


def expand(text: str, sender: Sender, domain: str) -> str | None:
    """Return the name without macros, or None if it depends on a message that is unknown here."""
    values = {letter: sender.value(letter.lower(), domain) for letter in set(re.findall(r"%\{(.)", text))}
    if None in values.values():
        return None
    expanded = MACRO.sub(lambda match: _expanded(match, values), text).removesuffix(".")
    while len(expanded) > MAX_NAME and "." in expanded:
        expanded = expanded.partition(".")[2]
    return expanded


def _expanded(match: re.Match[str], values: dict[str, str | None]) -> str:
    letter, digits, is_reversed, delimiters, literal = match.groups()
    if literal:
        return LITERALS[literal]
    parts = re.split(f"[{re.escape(delimiters or '.')}]", values[letter] or "")
    if is_reversed:
        parts.reverse()
    kept = ".".join(parts[-int(digits) :] if digits and int(digits) else parts)
    return quote(kept, safe="-._~") if letter.isupper() else kept
