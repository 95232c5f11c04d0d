"""The evaluation of SPF for a domain: RFC 7208, section 4, with its limits."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import ClassVar

from emails.domains import spf
from emails.domains.lookups import Answer, Lookups
from emails.domains.names import canonical, is_within, listed, shown
from emails.domains.spf_macros import Sender, dotted, expand

MAX_LOOKUPS = 10
MAX_EMPTY_LOOKUPS = 2
MAX_HOSTS = 10


class Result(StrEnum):
    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105  # not a password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


QUALIFIERS = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


@dataclass(frozen=True, slots=True)
class SpfVerdict:
    """``problem`` explains an error. ``lookups`` counts the terms that made receivers ask DNS, of at most 10."""

    result: Result
    lookups: int
    record: str = ""
    problem: str = ""


class _Failure(Exception):
    """The end of an evaluation, with the words for people."""

    result: ClassVar[Result]


class _Permanent(_Failure):
    result = Result.PERMERROR


class _Temporary(_Failure):
    result = Result.TEMPERROR


class _Missing(_Failure):
    """There is no record, which is an error only for ``include`` and ``redirect``."""

    result = Result.NONE


def evaluate(lookups: Lookups, domain: str, sender: Sender | None = None) -> SpfVerdict:
    """Evaluate the SPF record of the domain.

    Without an IP address in ``sender``, no term matches but ``all``, so every lookup is made and counted that any
    receiver could need.
    """
    evaluation = _Evaluation(lookups, sender or Sender(f"postmaster@{domain}"))
    name = canonical(domain)
    if "." not in name:
        return SpfVerdict(Result.NONE, 0)
    try:
        result, problem = evaluation.check(name), ""
    except _Failure as failure:
        result, problem = failure.result, str(failure)
    return SpfVerdict(result, evaluation.lookups_made, evaluation.first_record, problem)


class _Evaluation:
    def __init__(self, lookups: Lookups, sender: Sender) -> None:
        self.lookups = lookups
        self.sender = sender
        self.lookups_made = 0
        self.empty_lookups = 0
        self.first_record = ""
        self.path: list[str] = []

    def check(self, domain: str) -> Result:
        if domain in self.path:
            raise _Permanent(f"its records include each other in a circle: {' > '.join([*self.path, domain])}")
        self.path.append(domain)
        record = self.record_of(domain)
        self.prefetch(record, domain)
        result = self.result_of(record, domain)
        self.path.pop()
        return result

    def check_other(self, name: str) -> Result:
        """Evaluate the record of another domain. Unlike for the sender's own domain, it must exist."""
        try:
            return self.check(canonical(name))
        except _Missing as missing:
            raise _Permanent(f"it refers to a record that doesn't exist: {missing}") from None

    def record_of(self, domain: str) -> spf.SpfRecord:
        answer = self.lookups.get(domain, "TXT")
        if answer.is_error:
            raise _Temporary(f"the TXT records of {domain} can't be read: {answer.reason}")
        records = spf.selected(answer.values)
        if not records:
            raise _Missing(f"{domain or 'a name that is not valid'} has no SPF record")
        if len(records) > 1:
            raise _Permanent(f"{domain} has {len(records)} SPF records, and only one is allowed: {listed(records)}")
        self.first_record = self.first_record or records[0]
        try:
            return spf.parse(records[0])
        except spf.SpfSyntaxError as error:
            raise _Permanent(f"the SPF record of {domain} is invalid: {shown(str(error), 200)}") from None

    def prefetch(self, record: spf.SpfRecord, domain: str) -> None:
        """Ask for the records that the terms need in parallel, because each round trip takes time."""
        kinds = {"include": "TXT", "mx": "MX", "a": "A", "exists": "A"}
        wanted = [(mechanism.name, kinds[mechanism.kind]) for mechanism in record.mechanisms if mechanism.kind in kinds]
        wanted += [(record.redirect, "TXT")] if record.redirect else []
        names = [(expand(name, self.sender, domain) if name else domain, kind) for name, kind in wanted[:MAX_LOOKUPS]]
        self.lookups.start(*((name, kind) for name, kind in names if name))

    def result_of(self, record: spf.SpfRecord, domain: str) -> Result:
        for mechanism in record.mechanisms:
            if self.matches(mechanism, domain):
                return QUALIFIERS[mechanism.qualifier]
        if not record.redirect:
            return Result.NEUTRAL
        self.count_lookup()
        target = self.target(record.redirect, domain)
        return self.check_other(target) if target else Result.NEUTRAL

    def matches(self, mechanism: spf.Mechanism, domain: str) -> bool:
        if mechanism.kind in ("all", "ip4", "ip6"):
            ip = self.sender.ip
            return mechanism.kind == "all" or bool(mechanism.network and ip and ip in mechanism.network)
        self.count_lookup()
        target = self.target(mechanism.name, domain)
        return target is not None and self.MATCHERS[mechanism.kind](self, mechanism, target)

    def target(self, name: str, domain: str) -> str | None:
        """Return the name to look up, or None if it depends on a message that is unknown here."""
        return expand(name, self.sender, domain) if name else domain

    def count_lookup(self) -> None:
        self.lookups_made += 1
        if self.lookups_made > MAX_LOOKUPS:
            raise _Permanent(f"it needs more than {MAX_LOOKUPS} DNS lookups, which receivers refuse")

    def ask(self, name: str, kind: str) -> Answer:
        """Return the answer, and count it if it is empty. Raises for a failed lookup."""
        answer = self.lookups.get(name, kind)
        if answer.is_error:
            raise _Temporary(f"the {kind} records of {shown(name)} can't be read: {answer.reason}")
        self.count_if_empty(answer, name)
        return answer

    def count_if_empty(self, answer: Answer, name: str) -> None:
        self.empty_lookups += answer.is_missing
        if self.empty_lookups > MAX_EMPTY_LOOKUPS:
            problem = f"more than {MAX_EMPTY_LOOKUPS} of the names in it don't exist, the last one: {shown(name)}"
            raise _Permanent(problem)

    def include(self, _: spf.Mechanism, target: str) -> bool:
        return self.check_other(target) == Result.PASS

    def host(self, mechanism: spf.Mechanism, target: str) -> bool:
        return self.is_among(self.addresses_of(target), mechanism)

    def mail_hosts(self, mechanism: spf.Mechanism, target: str) -> bool:
        hosts = [value.partition(" ")[2] for value in self.ask(target, "MX").values]
        if len(hosts) > MAX_HOSTS:
            raise _Permanent(f"{shown(target)} has more than {MAX_HOSTS} MX records")
        hosts = [host for host in hosts if host != "."]
        self.lookups.start(*((host, self.address_kind) for host in hosts))
        return any(self.is_among(self.addresses_of(host), mechanism) for host in hosts)

    def exists(self, _: spf.Mechanism, target: str) -> bool:
        found = self.ask(target, "A").is_found
        return found and self.sender.ip is not None

    def reverse(self, _: spf.Mechanism, target: str) -> bool:
        """Match the names of the sending server. A failed lookup is no error here (section 5.5)."""
        ip = self.sender.ip
        if ip is None:
            return False
        name = f"{_reversed(dotted(ip))}.{'in-addr' if ip.version == 4 else 'ip6'}.arpa"
        answer = self.lookups.get(name, "PTR")
        self.count_if_empty(answer, name)
        names = [name for name in answer.values[:MAX_HOSTS] if is_within(name, canonical(target))]
        return any(str(ip) in self.lookups.get(name, self.address_kind).values for name in names)

    @property
    def address_kind(self) -> str:
        return "AAAA" if self.sender.ip and self.sender.ip.version == 6 else "A"

    def addresses_of(self, name: str) -> tuple[str, ...]:
        if self.sender.ip is None and self.lookups.get(name, "A").is_missing:
            return self.ask(name, "AAAA").values  # a receiver asks for one of the two
        return self.ask(name, self.address_kind).values

    def is_among(self, addresses: tuple[str, ...], mechanism: spf.Mechanism) -> bool:
        ip = self.sender.ip
        if ip is None:
            return False
        length = mechanism.prefix_lengths[0 if ip.version == 4 else 1]
        return any(ip in ip_network((ip_address(address), length), strict=False) for address in addresses)

    MATCHERS: ClassVar[dict[str, Callable[["_Evaluation", spf.Mechanism, str], bool]]] = {
        "include": include,
        "a": host,
        "mx": mail_hosts,
        "exists": exists,
        "ptr": reverse,
    }


def _reversed(dotted_address: str) -> str:
    return ".".join(reversed(dotted_address.split(".")))
