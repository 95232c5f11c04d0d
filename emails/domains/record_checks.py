"""Whether DNS contains the records that a provider expects, and whether they work."""

from common.findings import Finding, Level
from emails.domains import comparison
from emails.domains.comparison import Comparison, sending_domain
from emails.domains.dkim import read_key
from emails.domains.lookups import Lookups
from emails.domains.names import listed, shown
from emails.domains.records import NEEDED_TO_SEND, ExpectedRecord, ProviderDomain, Purpose, RecordStatus
from emails.domains.reporting import error, fine, to_add, unreadable, warning
from emails.domains.spf_check import check_spf

# The kinds of records that can be looked up.
KINDS = ("TXT", "CNAME", "MX", "CAA", "A", "AAAA")


def check_records(lookups: Lookups, found: ProviderDomain) -> list[Finding]:
    records = [record for record in found.records if record.kind in KINDS]
    for record in records:
        lookups.start(*comparison.questions_of(record))
    results = [comparison.compare(lookups, record) for record in records]
    return [_finding(lookups, result) for result in results] + _envelopes(lookups, results)


def signing_domains(found: ProviderDomain) -> list[str]:
    domains = [sending_domain(record) for record in found.records if record.purpose == Purpose.DKIM]
    return [*dict.fromkeys(filter(None, domains))]


def envelope_domains(found: ProviderDomain) -> list[str]:
    names = [record.name for record in found.records if record.purpose == Purpose.RETURN_PATH]
    return [*dict.fromkeys(names)]


def _finding(lookups: Lookups, result: Comparison) -> Finding:
    record = result.record
    check = f"dns.{record.purpose}"
    subject = f"{record.kind} {result.name}"
    if result.status == RecordStatus.LOOKUP_ERROR:
        return unreadable(check, subject, result.mistake)
    if result.status == RecordStatus.OK:
        return _key(lookups, result, subject) if record.purpose == Purpose.DKIM else fine(check, subject)
    report = error if record.purpose in NEEDED_TO_SEND else warning
    problem = " ".join(filter(None, (_problem(result), result.mistake, _reason(record))))
    return report(check, subject, problem, _fix(result))


def _problem(result: Comparison) -> str:
    kind, name = result.record.kind, result.name
    if result.status == RecordStatus.MISSING:
        return f"The {kind} record {name} is missing."
    if result.status == RecordStatus.DUPLICATE:
        return f"{name} has more than one {kind} record of this sort: {listed(result.found)}."
    return f"The {kind} record {name} has another value: {listed(result.found)}."


def _reason(record: ExpectedRecord) -> str:
    return f"Your provider says: {shown(record.reason, 200)}" if record.reason else ""


def _fix(result: Comparison) -> str:
    if result.status == RecordStatus.MISSING:
        return to_add(result.record.to_add)
    if result.status == RecordStatus.DUPLICATE:
        return f"At your DNS host, remove the others and keep: {result.record.to_add}"
    return f"At your DNS host, change it to: {result.record.to_add}"


def _key(lookups: Lookups, result: Comparison, subject: str) -> Finding:
    """Judge the key that receivers find, which CNAME records may lead to."""
    answer = lookups.get(result.name, "TXT")
    if answer.is_error:
        return unreadable("dns.dkim", subject, answer.reason)
    if answer.is_missing:
        problem = f"There is no key where {result.name} leads to ({listed(result.found)})."
        return warning("dns.dkim", subject, problem, "Wait for the provider to publish it, or verify the domain again.")
    return key_finding(answer.values, subject, result.name)


def key_finding(texts: tuple[str, ...], subject: str, name: str) -> Finding:
    if len(texts) > 1:
        problem = f"{name} has {len(texts)} TXT records, so receivers may take the wrong one: {listed(texts)}."
        return error("dns.dkim", subject, problem, "Remove all but the key that your provider shows.")
    key = read_key(texts[0])
    if key.problem:
        problem = f"Receivers don't accept the DKIM key {name}: {key.problem}."
        return error("dns.dkim", subject, problem, "Copy the whole record from your provider again.")
    if key.warning:
        return warning("dns.dkim", subject, f"In the DKIM key {name}, {key.warning}.", "Remove t=y from the record.")
    return fine("dns.dkim", subject)


def _envelopes(lookups: Lookups, results: list[Comparison]) -> list[Finding]:
    """Evaluate SPF for the domains from which the provider sends, unless a record there is missing anyway."""
    paths = [result for result in results if result.record.purpose == Purpose.RETURN_PATH]
    failing = {result.name for result in paths if result.status != RecordStatus.OK}
    names = dict.fromkeys(result.name for result in paths if result.name not in failing)
    return [check_spf(lookups, name, _example(paths, name), Level.ERROR) for name in names]


def _example(results: list[Comparison], name: str) -> str:
    texts = (result.record.value for result in results if result.record.kind == "TXT" and result.name == name)
    return next(texts, "v=spf1 include:<your provider> ~all")
