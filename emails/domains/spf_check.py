"""What is wrong with the SPF record of a domain, in words for its owner."""

from common.findings import Finding, Level
from emails.domains import spf
from emails.domains.lookups import Lookups
from emails.domains.names import listed
from emails.domains.reporting import error, fine, to_add, unreadable, warning
from emails.domains.spf_evaluation import MAX_LOOKUPS, Result, SpfVerdict, evaluate

FIXES = {
    "more than 10 DNS": "Remove the services you no longer use, or replace include: by their ip4: and ip6: ranges.",
    "only one is allowed": "Merge them into one TXT record: v=spf1, the terms of all of them, and one ~all at the end.",
    "in a circle": "Remove the include: or redirect= that leads back.",
    "don't exist": "Remove the terms whose names have no records.",
    "that doesn't exist": "Correct or remove this include: or redirect=.",
}


def check_spf(lookups: Lookups, domain: str, example: str, level: Level = Level.ERROR) -> Finding:
    """Judge the SPF record of a domain from which envelopes come. ``example`` is a record that would be right."""
    verdict = evaluate(lookups, domain)
    subject = f"{domain} ({verdict.lookups}/{MAX_LOOKUPS} lookups)"
    if verdict.result == Result.TEMPERROR:
        return unreadable("dns.spf", domain, verdict.problem)
    if verdict.result == Result.NONE:
        return _missing(lookups, domain, example, level)
    if verdict.result == Result.PERMERROR:
        return _finding(
            level, subject, f"SPF fails at every receiver: {verdict.problem}.", _fix(verdict, domain, example)
        )
    if verdict.result == Result.PASS:
        problem = f"The SPF record of {domain} allows every server in the world to send: {verdict.record}"
        return _finding(level, subject, problem, "Replace +all by ~all.")
    return _advice(verdict, domain, subject)


def _missing(lookups: Lookups, domain: str, example: str, level: Level) -> Finding:
    similar = spf.almost(lookups.get(domain, "TXT").values)
    if similar:
        problem = f"No receiver recognizes the SPF record of {domain}, because it doesn't begin with v=spf1 and a space"
        return _finding(level, domain, f"{problem}: {listed(similar)}", f"Replace it by: TXT {domain} {example}")
    return _finding(level, domain, f"{domain} has no SPF record.", to_add(f"TXT {domain} {example}"))


def _fix(verdict: SpfVerdict, domain: str, example: str) -> str:
    found = (fix for words, fix in FIXES.items() if words in verdict.problem)
    return next(found, f"Correct the record, for example: TXT {domain} {example}")


def _advice(verdict: SpfVerdict, domain: str, subject: str) -> Finding:
    if verdict.result == Result.NEUTRAL:
        problem = f"The SPF record of {domain} says nothing about other servers: {verdict.record}"
        return warning("dns.spf", subject, problem, "Let it end with ~all.")
    if any(mechanism.kind == "ptr" for mechanism in spf.parse(verdict.record).mechanisms):
        problem = f"The SPF record of {domain} contains ptr, which is slow and which many receivers ignore."
        return warning("dns.spf", subject, problem, "Replace ptr by the ip4: and ip6: ranges of your servers.")
    return fine("dns.spf", subject)


def _finding(level: Level, subject: str, problem: str, fix: str) -> Finding:
    return (error if level == Level.ERROR else warning)("dns.spf", subject, problem, fix)
