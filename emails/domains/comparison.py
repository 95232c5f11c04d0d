"""Comparing an expected record with DNS, and recognizing the mistakes that people make when they add one."""

from dataclasses import dataclass

from emails.domains import dkim, dmarc, spf
from emails.domains.lookups import Answer, Lookups
from emails.domains.names import listed, with_parents
from emails.domains.records import ExpectedRecord, RecordStatus, host
from emails.domains.tags import parse_tags

MULTIPLE_ALLOWED = ("MX", "CAA")
PROBE = "a-name-that-nobody-uses"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A record that was compared. ``mistake`` explains in a sentence why it isn't there, if that can be recognized."""

    record: ExpectedRecord
    name: str
    status: RecordStatus
    found: tuple[str, ...] = ()
    mistake: str = ""


def questions_of(record: ExpectedRecord) -> list[tuple[str, str]]:
    kinds = [record.kind] if record.kind != "CNAME" else ["CNAME", "TXT", "MX", "A"]
    return [(name, kind) for name in record.names for kind in kinds]


def compare(lookups: Lookups, record: ExpectedRecord) -> Comparison:
    """Compare the record with DNS under all its names, and return the best result."""
    results = [_compare_at(lookups, record, name) for name in record.names]
    is_ok = [result for result in results if result.status == RecordStatus.OK]
    found = [result for result in results if result.status not in (RecordStatus.OK, RecordStatus.MISSING)]
    best = (is_ok or found or results)[0]
    return best if best.status != RecordStatus.MISSING else _explained(lookups, record, best)


def _compare_at(lookups: Lookups, record: ExpectedRecord, name: str) -> Comparison:
    answer = lookups.get(name, record.kind)
    if answer.is_error:
        return Comparison(record, name, RecordStatus.LOOKUP_ERROR, mistake=answer.reason)
    values = _relevant(record, answer)
    is_there = any(is_same(record, value) for value in values)
    if record.kind == "CNAME" and not is_there and _is_flattened(lookups, record, name):
        return Comparison(record, name, RecordStatus.OK, values)
    if not values:
        return Comparison(record, name, RecordStatus.MISSING)
    if is_there and (len(values) == 1 or record.kind in MULTIPLE_ALLOWED):
        return Comparison(record, name, RecordStatus.OK, values)
    if is_there or (len(values) > 1 and record.kind not in MULTIPLE_ALLOWED):
        return Comparison(record, name, RecordStatus.DUPLICATE, values, _doubled(record, name, len(values)))
    return Comparison(record, name, RecordStatus.MISMATCH, values)


def _relevant(record: ExpectedRecord, answer: Answer) -> tuple[str, ...]:
    """Return the values that compete with the record: other TXT records may stand beside it."""
    if record.kind != "TXT" or "_domainkey." in record.name:
        return answer.values
    for protocol in (spf, dmarc):
        if protocol.selected([record.value]):
            return tuple(protocol.selected(answer.values))
    return tuple(value for value in answer.values if is_same(record, value))


def is_same(record: ExpectedRecord, value: str) -> bool:
    """Return whether a value in DNS has the effect of the expected one."""
    if record.kind != "TXT":
        return value.lower() == record.content.lower()
    expected = record.value
    if dkim.is_key(expected) and dkim.is_key(value):
        return _key_of(expected) == _key_of(value)
    if spf.selected([expected]) and spf.selected([value]):
        return _has_terms_of(expected, value)
    if dmarc.selected([expected]):  # the owner may have tightened the policy
        return bool(dmarc.selected([value]))
    return " ".join(value.split()) == " ".join(expected.split())


def _key_of(text: str) -> str:
    return "".join(parse_tags(text)["p"].split())


def _has_terms_of(expected: str, found: str) -> bool:
    """Return whether an SPF record has all terms that the expected one needs. The last one, ``all``, may differ."""
    have = set(found.lower().split())
    return {term for term in expected.lower().split() if not term.endswith("all")} <= have


def _is_flattened(lookups: Lookups, record: ExpectedRecord, name: str) -> bool:
    """Return whether the DNS host copied the records of the target instead of publishing the CNAME record."""
    for kind in ("TXT", "MX"):
        here, there = lookups.get(name, kind), lookups.get(host(record.value), kind)
        if here.is_found and there.is_found:
            return set(here.values) == set(there.values)
    return False


def _doubled(record: ExpectedRecord, name: str, number: int) -> str:
    what = "SPF records" if spf.selected([record.value]) else f"{record.kind} records"
    return f"There are {number} {what} at {name}, and only one is allowed."


def _explained(lookups: Lookups, record: ExpectedRecord, result: Comparison) -> Comparison:
    mistakes = (_name_doubled, _other_kind, _proxied, _at_the_domain)
    mistake = next((text for find in mistakes if (text := find(lookups, record))), "")
    return Comparison(record, result.name, result.status, result.found, mistake)


def _name_doubled(lookups: Lookups, record: ExpectedRecord) -> str:
    parents = [parent for parent in with_parents(record.name)[1:] if "." in parent]
    lookups.start(*((f"{record.name}.{parent}", record.kind) for parent in parents))
    for parent in parents:
        if lookups.get(f"{record.name}.{parent}", record.kind).is_found:
            short = record.name.removesuffix(f".{parent}")
            return f"Your DNS host added {parent} to the name a second time. Enter the name as {short}."
    return ""


def _other_kind(lookups: Lookups, record: ExpectedRecord) -> str:
    if record.kind == "CNAME":
        texts = lookups.get(record.name, "TXT").values
        meant = [text for text in texts if host(record.value) in text.lower() or dkim.is_key(text)]
        return f"There is a TXT record with this name: {listed(meant)}. Replace it by a CNAME record." if meant else ""
    alias = lookups.get(record.name, "CNAME").values
    return f"There is a CNAME record with this name, to {listed(alias)}. Replace it." if alias else ""


def _proxied(lookups: Lookups, record: ExpectedRecord) -> str:
    answer = lookups.get(record.name, "A")
    # A wildcard record answers for every name, and proves nothing about this one.
    other = lookups.get(f"{PROBE}.{record.name.partition('.')[2]}", "A")
    if record.kind != "CNAME" or not answer.is_found or set(answer.values) == set(other.values):
        return ""
    return (
        "Your DNS host answers with its own IP addresses, so the record is probably proxied. "
        "Turn the proxy off for this record (DNS only)."
    )


def _at_the_domain(lookups: Lookups, record: ExpectedRecord) -> str:
    for parent in with_parents(record.name)[1:3]:
        if record.kind != "MX" or "." not in parent:
            continue
        if any(is_same(record, value) for value in lookups.get(parent, "MX").values):
            return f"The record is at {parent} instead, where it takes the replies to you. Move it to {record.name}."
    return ""


def sending_domain(record: ExpectedRecord) -> str:
    """Return the domain that a DKIM key signs for: "example.com" for s1._domainkey.example.com."""
    return record.name.partition("._domainkey.")[2]
