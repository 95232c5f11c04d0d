"""Whether the provider knows the domain in From and sends from it."""

from dataclasses import dataclass, field
from datetime import timedelta

from common.findings import Finding
from emails.backends import configured_provider, fallback_provider
from emails.domains.lookups import Lookups
from emails.domains.providers import DOMAINS, DomainsApiError, find_domain
from emails.domains.records import DomainStatus, ProviderDomain
from emails.domains.reporting import error, fine, warning

# The lookups that follow need the rest of the time.
SHARE_OF_TIME = 0.6
WAITING = (DomainStatus.NOT_STARTED, DomainStatus.PENDING, DomainStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class ProviderViews:
    """What the providers say. ``domains`` are those that they know."""

    findings: list[Finding] = field(default_factory=list)
    domains: list[ProviderDomain] = field(default_factory=list)
    # Whether a provider is involved that nobody can ask, such as SMTP.
    has_others: bool = False


def providers() -> list[str]:
    return [*filter(None, (configured_provider(), fallback_provider()))]


def has_others() -> bool:
    """Return whether emails may go through a provider that has no API for domains, such as SMTP."""
    return any(name not in DOMAINS for name in providers())


def ask_providers(lookups: Lookups, domain: str) -> ProviderViews:
    """Ask the configured provider and the one that takes over in an outage. Raises nothing."""
    names = providers()
    findings: list[Finding] = []
    domains: list[ProviderDomain] = []
    for number, name in enumerate(names):
        if name not in DOMAINS:
            findings.append(fine("provider.domain", f"{domain} ({name} can't be asked, so only DNS is checked)"))
            continue
        seconds = lookups.remaining * SHARE_OF_TIME / (len(names) - number)
        found = _ask(name, domain, timedelta(seconds=seconds), findings)
        domains += [found] if found else []
    return ProviderViews(findings, domains, has_others())


def _ask(name: str, domain: str, timeout: timedelta, findings: list[Finding]) -> ProviderDomain | None:
    client = DOMAINS[name]
    try:
        found = find_domain(client, domain, Lookups.deadline(timeout))
    except DomainsApiError as refusal:
        check = "provider.key" if refusal.is_about_key else "provider.api"
        findings.append(warning(check, f"{domain} at {client.title}", refusal.problem, refusal.fix))
        return None
    findings.append(_about(client.title, client.page, domain, found))
    return found


def _about(title: str, page: str, domain: str, found: ProviderDomain | None) -> Finding:
    subject = f"{domain} at {title}"
    if found is None:
        problem = f"{title} doesn't know {domain}, so it refuses every email from it."
        return error("provider.domain", subject, problem, f"Add {domain} on {page}, and then the DNS records it shows.")
    if found.has_only_addresses:
        problem = f"{title} has verified an email address at {domain}, but not the domain, so DMARC fails."
        return warning(
            "provider.domain", subject, problem, f"Add {domain} on {page}, and then the DNS records it shows."
        )
    if found.can_send and found.name != domain:
        problem = f"{title} knows {found.name}, but not {domain} itself."
        fix = f"Send from {found.name} (DEFAULT_FROM_EMAIL), or add {domain} on {page}."
        return warning("provider.domain", subject, problem, fix)
    if not found.can_send:
        return error(
            "provider.domain", subject, f"{title} doesn't send from {found.name}: {found.reason}.", _fix(found)
        )
    if found.status == DomainStatus.FAILING:
        problem = f"{title} no longer finds a record of {found.name}, and stops sending soon."
        return warning("provider.domain", subject, problem, _fix(found))
    return fine("provider.domain", subject)


def _fix(found: ProviderDomain) -> str:
    if found.status in WAITING:
        return f"Add the records below that are missing, and then start the verification on {found.page}."
    return f"Look at the domain on {found.page}, correct the records below, and verify it again."
