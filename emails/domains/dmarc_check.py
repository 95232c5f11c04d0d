"""Which DMARC policy applies to the domain in From, and whether signatures and envelopes count for it."""

from collections.abc import Collection

from common.findings import Finding
from emails.domains import mail_hosts, policies
from emails.domains.dmarc import DmarcRecord
from emails.domains.lookups import Lookups
from emails.domains.names import is_within, listed
from emails.domains.policies import Walk
from emails.domains.reporting import error, fine, to_add, unreadable, warning

PUBLISH = "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"


def check_dmarc(lookups: Lookups, domain: str) -> list[Finding]:
    walk = policies.walk(lookups, domain)
    record = walk.effective
    if walk.is_uncertain:
        return [unreadable("dns.dmarc", domain, next(iter(walk.unreadable.values())))]
    if walk.domain in walk.doubled or (record is None and walk.doubled):
        return [_doubled(walk)]
    if record is None:
        return [_missing(walk)]
    policy = record.policy_for(domain, exists=mail_hosts.exists(lookups, domain))
    subject = f"{domain} ({policy})"
    findings = [warning("dns.dmarc", subject, f"In _dmarc.{record.domain}: {text}.", _repair(record))
                for text in record.warnings]  # fmt: skip
    findings += _reports(lookups, walk, record)
    if policy == "none":
        findings.append(_without_effect(record, domain, subject))
    return findings or [fine("dns.dmarc", subject)]


def _repair(record: DmarcRecord) -> str:
    return f"Correct the TXT record _dmarc.{record.domain}. It is: {record.text}"


def _doubled(walk: Walk) -> Finding:
    name = walk.doubled[0]
    problem = f"There are several DMARC records at _dmarc.{name}, so receivers ignore all of them."
    return error(
        "dns.dmarc", walk.domain, problem, f"At your DNS host, remove all but one TXT record of _dmarc.{name}."
    )


def _missing(walk: Walk) -> Finding:
    record = f"TXT _dmarc.{walk.domain} {PUBLISH.format(domain=walk.domain)}"
    if walk.almost:
        name, text = next(iter(walk.almost.items()))
        problem = (
            f"Receivers ignore the DMARC record at _dmarc.{name}, because it must begin with v=DMARC1 and a p=: {text}"
        )
        return error("dns.dmarc", walk.domain, problem, f"Replace it by: {record}")
    problem = f"{walk.domain} has no DMARC record, and Gmail, Yahoo, and Outlook.com refuse larger senders without one."
    return error("dns.dmarc", walk.domain, problem, to_add(record))


def _without_effect(record: DmarcRecord, domain: str, subject: str) -> Finding:
    cause = "p=none"
    if record.is_test and record.policy != "none":
        cause = "t=y (only a test)"
    elif domain != record.domain and record.policy != "none":
        cause = "sp=none or np=none"
    problem = (
        f"DMARC doesn't stop forged email from {domain} yet, because the record at _dmarc.{record.domain} has {cause}."
    )
    fix = "When the reports show that all your email passes, change it to p=quarantine, and later to p=reject."
    return warning("dns.dmarc", subject, problem, fix)


def _reports(lookups: Lookups, walk: Walk, record: DmarcRecord) -> list[Finding]:
    """Report the domains that never agreed to receive reports about this one, because they won't get any."""
    ours = walk.organizational_domain
    foreign = [name for name in record.report_domains if not (is_within(name, ours) or is_within(ours, name))]
    names = {name: f"{record.domain}._report._dmarc.{name}" for name in foreign[:5]}
    lookups.start(*((name, "TXT") for name in names.values()))
    refusing = [name for name, question in names.items() if lookups.get(question, "TXT").is_missing]
    return [
        warning(
            "dns.dmarc",
            record.domain,
            f"No DMARC reports arrive at {name}, because that domain hasn't agreed to receive them.",
            f"At the DNS host of {name}, add: TXT {names[name]} v=DMARC1",
        )
        for name in refusing
    ]


def check_alignment(
    lookups: Lookups, domain: str, signing_domains: Collection[str], envelope_domains: Collection[str]
) -> list[Finding]:
    """Check that DMARC can pass: a signature or the envelope must belong to the domain in From."""
    for name in (*signing_domains, *envelope_domains):
        lookups.start(*policies.questions_of(name))
    author = policies.walk(lookups, domain)
    record = author.effective
    others = {name: policies.walk(lookups, name) for name in {*signing_domains, *envelope_domains}}
    uncertain = next((walk for walk in (author, *others.values()) if walk.unreadable), None)
    dkim = _aligned(author, [others[name] for name in signing_domains], strict=bool(record and record.strict_dkim))
    envelope = _aligned(author, [others[name] for name in envelope_domains], strict=bool(record and record.strict_spf))
    if dkim:
        return [fine("dns.alignment", f"{domain} (DKIM{' and SPF' if envelope else ''})")]
    if uncertain:
        return [unreadable("dns.alignment", domain, next(iter(uncertain.unreadable.values())))]
    return [_misaligned(domain, others, has_envelope=envelope, strict=bool(record and record.strict_dkim))]


def _aligned(author: Walk, others: list[Walk], *, strict: bool) -> bool:
    return any(policies.is_aligned(author, other, strict=strict) for other in others)


def _misaligned(domain: str, others: Collection[str], *, has_envelope: bool, strict: bool) -> Finding:
    if has_envelope:
        problem = f"Only the envelope belongs to {domain}, and no DKIM signature, so forwarded email fails DMARC."
        return warning("dns.alignment", domain, problem, _alignment_fix(domain, strict=strict))
    problem = f"DMARC fails for email from {domain}, because signature and envelope belong to {listed(others)}."
    return error("dns.alignment", domain, problem, _alignment_fix(domain, strict=strict))


def _alignment_fix(domain: str, *, strict: bool) -> str:
    if strict:
        return f"Verify exactly {domain} at your provider, or change adkim=s to adkim=r in the DMARC record."
    return f"Verify {domain} at your provider, or set DEFAULT_FROM_EMAIL to the domain that is verified there."
