"""Which DMARC record applies to a domain, and which domains belong together: RFC 9989, section 4.10.

Receivers that still follow RFC 7489 find the organizational domain with a list of public suffixes instead. Both ways
lead to the same domain unless somebody between the domain and the public suffix publishes psd=y or psd=n.
"""

from dataclasses import dataclass, field

from emails.domains import dmarc
from emails.domains.dmarc import DmarcRecord
from emails.domains.lookups import Answer, Lookups
from emails.domains.names import is_within, with_parents

MAX_QUERIES = 8


@dataclass(frozen=True, slots=True)
class Walk:
    """The DMARC records at a domain and its parents, from the longest name to the shortest."""

    domain: str
    records: tuple[DmarcRecord, ...] = ()
    # The names with several records, which count as none.
    doubled: tuple[str, ...] = ()
    # The reason why a name can't be read, by name.
    unreadable: dict[str, str] = field(default_factory=dict)
    # TXT records that are meant as DMARC records, by name.
    almost: dict[str, str] = field(default_factory=dict)

    @property
    def organizational_domain(self) -> str:
        for record in self.records:
            if record.public_suffix == "n":
                return record.domain
            if record.public_suffix == "y" and record.domain != self.domain:
                return child_of(record.domain, self.domain)
        return self.records[-1].domain if self.records else self.domain

    @property
    def own(self) -> DmarcRecord | None:
        return next((record for record in self.records if record.domain == self.domain), None)

    @property
    def effective(self) -> DmarcRecord | None:
        """The record that applies: that of the domain, or of its organizational domain, or of its public suffix."""
        by_domain = {record.domain: record for record in self.records}
        suffix = next((record for record in self.records if record.public_suffix == "y"), None)
        return self.own or by_domain.get(self.organizational_domain) or suffix

    @property
    def is_uncertain(self) -> bool:
        """Whether a name couldn't be read that could change the result."""
        return self.domain in self.unreadable or (self.own is None and bool(self.unreadable))


def names_to_ask(domain: str) -> list[str]:
    """Return the domain and its parents. After a very long name, the walk continues with seven labels."""
    names = with_parents(domain)
    return names if len(names) <= MAX_QUERIES else [names[0], *names[-(MAX_QUERIES - 1) :]]


def questions_of(domain: str) -> list[tuple[str, str]]:
    return [(f"_dmarc.{name}", "TXT") for name in names_to_ask(domain)]


def walk(lookups: Lookups, domain: str) -> Walk:
    """Find the records of the domain and its parents."""
    lookups.start(*questions_of(domain))
    answers = {name: lookups.get(f"_dmarc.{name}", "TXT") for name in names_to_ask(domain)}
    texts = {name: dmarc.selected(answer.values) for name, answer in answers.items()}
    records = tuple(dmarc.parse(found[0], name) for name, found in texts.items() if len(found) == 1)
    return Walk(
        domain,
        _until_pinned(tuple(record for record in records if not record.problem), domain),
        tuple(name for name, found in texts.items() if len(found) > 1),
        # Top-level domains with a record are so rare that an unreadable one doesn't make the result uncertain.
        {name: answer.reason for name, answer in answers.items() if answer.is_error and "." in name},
        _meant(answers) | {record.domain: record.text for record in records if record.problem},
    )


def _meant(answers: dict[str, Answer]) -> dict[str, str]:
    found = {name: dmarc.almost(answer.values) for name, answer in answers.items()}
    return {name: texts[0] for name, texts in found.items() if texts}


def _until_pinned(records: tuple[DmarcRecord, ...], domain: str) -> tuple[DmarcRecord, ...]:
    """Return the records up to the one that ends the walk."""
    for number, record in enumerate(records, start=1):
        if record.public_suffix == "n" or (record.public_suffix == "y" and record.domain != domain):
            return records[:number]
    return records


def child_of(parent: str, name: str) -> str:
    """Return the domain one label below the parent, on the way to the name."""
    return next((candidate for candidate in reversed(with_parents(name)) if candidate.endswith(f".{parent}")), name)


def is_aligned(author: Walk, other: Walk, *, strict: bool) -> bool:
    """Return whether a signature or an envelope of the other domain counts for the author's domain."""
    if strict or author.domain == other.domain:
        return author.domain == other.domain
    if not author.records and not other.records:
        # Without any record, DMARC can't pass or fail. Related names will be aligned as soon as there is one.
        return is_within(author.domain, other.domain) or is_within(other.domain, author.domain)
    return author.organizational_domain == other.organizational_domain
