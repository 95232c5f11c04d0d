"""SendGrid's domain authentication: https://www.twilio.com/docs/sendgrid/api-reference/domain-authentication

The keys of ``dns`` depend on how the domain was set up, so all of them are read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from emails.domains.names import canonical, is_within
from emails.domains.providers.client import DomainsApiError, DomainsClient, items, priority, text, unquoted
from emails.domains.records import DomainStatus, ExpectedRecord, ProviderDomain, Purpose, full_names

PAGE_SIZE = 50


class SendGridDomains(DomainsClient):
    name = "sendgrid"
    title = "SendGrid"
    page = "https://app.sendgrid.com/settings/sender_auth"
    needed_right = "read access to Sender Authentication"

    def find(self, domain: str) -> ProviderDomain | None:
        """Return the authenticated domain: the domain itself, or a parent whose signature is aligned with it."""
        found = [item for item in self.all() if is_within(domain, canonical(text(item.get("domain"))) or "?")]
        found.sort(key=lambda item: (-len(text(item.get("domain"))), item.get("valid") is not True))
        return read_domain(found[0]) if found else self.verified_addresses(domain)

    def verified_addresses(self, domain: str) -> ProviderDomain | None:
        """Return a domain without records if SendGrid sends from one of its addresses (Single Sender Verification)."""
        try:
            answer = self.get("/verified_senders?limit=100")
        except DomainsApiError:
            return None  # it takes a right of its own
        senders = items(answer.get("results")) if isinstance(answer, dict) else []
        verified = [text(sender.get("from_email")) for sender in senders if sender.get("verified") is True]
        if not any(canonical(address.rpartition("@")[2]) == domain for address in verified):
            return None
        return ProviderDomain(domain, DomainStatus.VERIFIED, can_send=True, page=self.page, has_only_addresses=True)

    def all(self) -> Sequence[Mapping[str, Any]]:
        is_last = False

        def items_of(answer: Any) -> Sequence[Any]:
            nonlocal is_last
            found = items(answer) if not is_last else []
            is_last = len(found) < PAGE_SIZE
            return found

        return [*self.pages(lambda so_far: f"/whitelabel/domains?limit={PAGE_SIZE}&offset={len(so_far)}", items_of)]


def read_domain(data: Mapping[str, Any]) -> ProviderDomain:
    """Turn SendGrid's description into the common form. Unknown values never raise."""
    domain = canonical(text(data.get("domain")))
    dns = data.get("dns")
    rows = dns.items() if isinstance(dns, dict) else ()
    records = tuple(
        read_record(key, row, domain) for key, row in rows if isinstance(row, dict) and text(row.get("data"))
    )
    is_valid = data.get("valid") is True
    return ProviderDomain(
        name=domain,
        status=DomainStatus.VERIFIED if is_valid else DomainStatus.PENDING,
        can_send=is_valid,
        records=records,
        reason="" if is_valid else "it isn't verified",
        page=SendGridDomains.page,
    )


def read_record(key: str, row: Mapping[str, Any], domain: str) -> ExpectedRecord:
    kind = text(row.get("type")).upper()
    value = unquoted(text(row.get("data")))
    return ExpectedRecord(
        purpose=purpose_of(key, text(row.get("host"))),
        kind=kind if kind in ("CNAME", "MX", "TXT", "CAA") else "TXT" if " " in value else "CNAME",
        names=full_names(text(row.get("host")), domain),
        value=value,
        priority=(priority(row.get("priority")) or 10) if kind == "MX" else None,
        provider_status="verified" if row.get("valid") is True else "pending",
        reason=text(row.get("reason")),
    )


def purpose_of(key: str, name: str) -> Purpose:
    if "dkim" in key.lower() or "_domainkey" in name:
        return Purpose.DKIM
    if "dmarc" in key.lower() or name.startswith("_dmarc"):
        return Purpose.DMARC
    return Purpose.SPF if key == "domain_spf" else Purpose.RETURN_PATH
