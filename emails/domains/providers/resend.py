"""Resend's domains: https://resend.com/docs/api-reference/domains/get-domain

The list has no records, so the domain is read a second time.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from emails.domains.names import canonical, shown
from emails.domains.providers.client import DomainsClient, items, priority, text, unquoted
from emails.domains.records import NEEDED_TO_SEND, DomainStatus, ExpectedRecord, ProviderDomain, Purpose, full_names

STATUSES = {
    "not_started": DomainStatus.NOT_STARTED,
    "pending": DomainStatus.PENDING,
    "verified": DomainStatus.VERIFIED,
    "failed": DomainStatus.FAILED,
    "partially_verified": DomainStatus.PARTIAL,
    "partially_failed": DomainStatus.PARTIAL,
    "temporary_failure": DomainStatus.FAILING,
}
# By the field ``record``, which is the purpose and not the type. The envelope's domain is SPF to Resend.
PURPOSES = {
    "dkim": Purpose.DKIM,
    "spf": Purpose.RETURN_PATH,
    "receiving": Purpose.INBOUND,
    "receiving mx": Purpose.INBOUND,
    "tracking": Purpose.TRACKING,
    "trackingcaa": Purpose.CAA,
}


class ResendDomains(DomainsClient):
    name = "resend"
    title = "Resend"
    page = "https://resend.com/domains"
    needed_right = "full access"

    def find(self, domain: str) -> ProviderDomain | None:
        found = next((item for item in self.all() if canonical(text(item.get("name"))) == domain), None)
        details = self.get(f"/domains/{quote(text(found.get('id')), safe='')}") if found else None
        return read_domain({**found, **details}, domain) if found and isinstance(details, dict) else None

    def all(self) -> Sequence[Mapping[str, Any]]:
        has_more = True

        def path_of(so_far: Sequence[Any]) -> str:
            after = f"&after={quote(text(so_far[-1].get('id')), safe='')}" if so_far else ""
            return f"/domains?limit=100{after}"

        def items_of(answer: Any) -> Sequence[Any]:
            nonlocal has_more
            found = items(answer.get("data")) if isinstance(answer, dict) and has_more else []
            has_more = isinstance(answer, dict) and answer.get("has_more") is True
            return found

        return [*self.pages(path_of, items_of)]

    def lacks_right(self, status: int, text: str) -> bool:
        return status in (401, 403) and ("restricted" in text or "permission" in text.lower())


def read_domain(data: Mapping[str, Any], domain: str) -> ProviderDomain:
    """Turn Resend's description into the common form. Unknown values never raise."""
    reported = text(data.get("status"))
    records = tuple(read_record(item, domain) for item in items(data.get("records")) if text(item.get("value")))
    capabilities = data.get("capabilities")
    is_disabled = isinstance(capabilities, dict) and capabilities.get("sending") == "disabled"
    status = STATUSES.get(reported, DomainStatus.UNKNOWN)
    return ProviderDomain(
        name=domain,
        status=status,
        can_send=not is_disabled and may_send(status, records),
        records=records,
        reason="sending is disabled for it" if is_disabled else f"its status is {shown(reported, 40) or 'missing'}",
        page=ResendDomains.page,
    )


def may_send(status: DomainStatus, records: Sequence[ExpectedRecord]) -> bool:
    needed = [record.provider_status for record in records if record.purpose in NEEDED_TO_SEND]
    if status == DomainStatus.PARTIAL:  # the other capability, such as receiving, may be what isn't verified
        return bool(needed) and all(reported == "verified" for reported in needed)
    # A domain whose record has vanished can send for 72 more hours.
    return status in (DomainStatus.VERIFIED, DomainStatus.FAILING)


def read_record(item: Mapping[str, Any], domain: str) -> ExpectedRecord:
    kind = text(item.get("type")).upper() or "TXT"
    purpose = PURPOSES.get(text(item.get("record")).lower())
    if purpose is None:
        purpose = Purpose.DKIM if "_domainkey" in text(item.get("name")) else Purpose.INBOUND
    return ExpectedRecord(
        purpose=purpose,
        kind=kind,
        names=full_names(text(item.get("name")), domain),
        value=unquoted(text(item.get("value"))),
        priority=priority(item.get("priority")),
        provider_status=text(item.get("status")),
    )
