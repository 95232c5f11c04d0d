"""The checks of a sending domain."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from django.conf import settings

from common.findings import Finding, Level
from emails.domains import mail_hosts, policies, spf
from emails.domains.dmarc_check import check_alignment, check_dmarc
from emails.domains.lookups import BUDGET, Lookups
from emails.domains.names import canonical, shown
from emails.domains.provider_checks import ProviderViews, ask_providers, has_others
from emails.domains.record_checks import check_records, envelope_domains, key_finding, signing_domains
from emails.domains.reporting import error, to_add, unreadable
from emails.domains.spf_check import check_spf
from emails.errors import InvalidMessage
from emails.message.address import Address

LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")


def check_domain(from_email: str, *, timeout: timedelta = BUDGET) -> list[Finding]:
    """Check the domain of this sender at its provider and in DNS, with the records that the provider expects."""
    domain, findings = _domain_of(from_email)
    if findings:
        return findings
    with _lookups(timeout) as lookups:
        lookups.start(*mail_hosts.questions_of(domain), *policies.questions_of(domain))
        views = ask_providers(lookups, domain)
        if silent := _silent(lookups, domain):
            return [*views.findings, silent]
        return [*views.findings, *_provider_records(lookups, domain, views), *_sender(lookups, domain, views)]


def check_sending(from_email: str, *, timeout: timedelta = BUDGET, selectors: Sequence[str] = ()) -> list[Finding]:
    """Check the domain of this sender in DNS only. The DKIM keys can't be found without their selectors."""
    domain, findings = _domain_of(from_email)
    if findings:
        return findings
    with _lookups(timeout) as lookups:
        keys = [(f"{selector}._domainkey.{domain}", "TXT") for selector in selectors]
        lookups.start(*mail_hosts.questions_of(domain), *policies.questions_of(domain), *keys)
        if silent := _silent(lookups, domain):
            return [silent]
        views = ProviderViews(has_others=has_others())
        return [*_sender(lookups, domain, views), *(_dkim(lookups, name) for name, _ in keys)]


def check_providers(from_email: str = "", *, timeout: timedelta = BUDGET) -> list[Finding]:
    """Check the sender's domain (by default that of DEFAULT_FROM_EMAIL) at the provider, and the records it expects."""
    domain, findings = _domain_of(from_email or settings.DEFAULT_FROM_EMAIL)
    if findings:
        return findings
    with _lookups(timeout) as lookups:
        views = ask_providers(lookups, domain)
        return [*views.findings, *_provider_records(lookups, domain, views)]


def _domain_of(from_email: str) -> tuple[str, list[Finding]]:
    """Return the domain of the sender, and what is wrong if it has none."""
    domain = ""
    with suppress(InvalidMessage):
        domain = canonical(Address.parse(from_email).domain)
    if "." in domain and not domain.startswith("["):
        return domain, []
    problem = f"The sender has no domain of yours: {shown(from_email, 200) or 'it is empty'}"
    fix = "Set DEFAULT_FROM_EMAIL to an email address at your domain, such as Acme <hello@example.com>."
    return "", [error("dns.domain", "DEFAULT_FROM_EMAIL", problem, fix)]


def _lookups(timeout: timedelta) -> Lookups:
    return Lookups(timeout, settings.DNS_SERVER)


def _silent(lookups: Lookups, domain: str) -> Finding | None:
    """Return one finding instead of one for each record if there is no answer at all."""
    questions = [*mail_hosts.questions_of(domain), (f"_dmarc.{domain}", "TXT")]
    answers = [lookups.get(*question) for question in questions]
    if not all(answer.is_error for answer in answers):
        return None
    problem = f"lookup_error: nothing is known about {domain}, because {answers[0].reason}."
    fix = "Check the network and the name server of this machine, or set DNS_SERVER, and repeat the check."
    return error("dns.lookup", domain, problem, fix)


def _sender(lookups: Lookups, domain: str, views: ProviderViews) -> list[Finding]:
    """Check what concerns the domain in From, whatever the provider expects."""
    if not mail_hosts.exists(lookups, domain):
        problem = f"The domain {domain} doesn't exist in DNS, so receivers refuse email from it."
        fix = "Add its records at your DNS host, or correct DEFAULT_FROM_EMAIL."
        return [error("dns.domain", domain, problem, fix), *check_dmarc(lookups, domain)]
    spf_findings = _own_spf(lookups, domain, views)
    return [*spf_findings, *check_dmarc(lookups, domain), *mail_hosts.check_mail_hosts(lookups, domain)]


def _own_spf(lookups: Lookups, domain: str, views: ProviderViews) -> list[Finding]:
    """Check SPF for the domain in From.

    The envelopes of the providers in ``DOMAINS`` come from a subdomain, where SPF is looked up instead. Then the record
    of the domain itself is about other email of its owner, and it may be missing.
    """
    if views.has_others:
        return [check_spf(lookups, domain, _spf_example())]
    is_checked = any(domain in envelope_domains(found) for found in views.domains)
    has_record = spf.selected(lookups.get(domain, "TXT").values)
    return [check_spf(lookups, domain, "", Level.WARNING)] if has_record and not is_checked else []


def _spf_example() -> str:
    host = settings.EMAIL_HOST
    return f"v=spf1 a:{host} ~all" if host not in LOCAL_HOSTS else "v=spf1 ip4:<your server's IP address> ~all"


def _provider_records(lookups: Lookups, domain: str, views: ProviderViews) -> list[Finding]:
    findings: list[Finding] = []
    for found in views.domains:
        signing, envelopes = signing_domains(found), envelope_domains(found)
        findings += check_records(lookups, found)
        if signing or envelopes:
            findings += check_alignment(lookups, domain, signing, envelopes)
    return findings


def _dkim(lookups: Lookups, name: str) -> Finding:
    answer = lookups.get(name, "TXT")
    subject = f"TXT {name}"
    if answer.is_error:
        return unreadable("dns.dkim", subject, answer.reason)
    if answer.is_missing:
        return error("dns.dkim", subject, f"There is no DKIM key at {name}.", to_add(f"TXT {name} <the key>"))
    return key_finding(answer.values, subject, name)
