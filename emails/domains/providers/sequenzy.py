"""Sequenzy's websites: https://docs.sequenzy.com/api-reference (GET /websites/{domain})

The inner shape of most fields isn't documented, so everything that looks like a record is taken for one.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from emails.domains.names import shown
from emails.domains.providers.client import DomainsClient, priority, text, unquoted
from emails.domains.records import DomainStatus, ExpectedRecord, ProviderDomain, Purpose, full_names, host

STATUSES = {
    "not_started": DomainStatus.NOT_STARTED,
    "pending": DomainStatus.PENDING,
    "verified": DomainStatus.VERIFIED,
    "failed": DomainStatus.FAILED,
    "misconfigured": DomainStatus.FAILING,
}
REASONS = {
    "dns_not_started": "its DNS records haven't been checked yet",
    "dns_pending": "its DNS records aren't complete",
    "dns_failed": "its DNS records are wrong",
    "activation_pending": "Sequenzy is still activating it",
    "activation_failed": "Sequenzy failed to activate it, so ask its support",
    "sending_unavailable": "sending is unavailable, so ask Sequenzy's support",
}
PARTS = ("dnsRecords", "dkim", "spf", "mailFrom", "bounceRecords", "tracking")
MAX_DEPTH = 6
MAX_RECORDS = 30


class SequenzyDomains(DomainsClient):
    name = "sequenzy"
    title = "Sequenzy"
    page = "https://sequenzy.com, Settings, Domains"
    needed_right = "the scope for websites"

    def find(self, domain: str) -> ProviderDomain | None:
        answer = self.get(f"/websites/{quote(domain, safe='')}")
        website = answer.get("website") if isinstance(answer, dict) else None
        return read_domain(website, domain) if isinstance(website, dict) else None


def read_domain(data: Mapping[str, Any], domain: str) -> ProviderDomain:
    """Turn Sequenzy's description into the common form. ``readyToSend`` decides, and never the status of DNS."""
    readiness = data.get("readiness")
    reason = text(readiness.get("reason")) if isinstance(readiness, dict) else ""
    status = text(data.get("status"))
    return ProviderDomain(
        name=domain,
        status=STATUSES.get(status, DomainStatus.UNKNOWN),
        can_send=data.get("readyToSend") is True,
        records=tuple(read_records(data, domain)),
        reason=REASONS.get(reason) or f"its status is {shown(reason or status, 40) or 'missing'}",
        page=SequenzyDomains.page,
    )


def read_records(data: Mapping[str, Any], domain: str) -> Iterator[ExpectedRecord]:
    bounce = data.get("bounceRecords")
    style = bounce.get("style") if isinstance(bounce, dict) else None
    seen: set[tuple[str, str, str]] = set()
    for path, item in [pair for part in PARTS for pair in found_in(data.get(part), part)][:MAX_RECORDS]:
        record = read_record(path, item, domain)
        key = (record.kind, record.name, record.content)
        # A CNAME record and others at the same name exclude each other.
        is_outdated = style == "cname" and record.purpose == Purpose.RETURN_PATH and record.kind != "CNAME"
        if key not in seen and not is_outdated:
            seen.add(key)
            yield record


def found_in(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every object with a name and a value, and the names of the fields that lead to it."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        if name_of(value) and value_of(value):
            yield path, value
            return
        for key, inner in value.items():
            yield from found_in(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from found_in(inner, path, depth + 1)


def name_of(item: Mapping[str, Any]) -> str:
    return text(item.get("name")) or text(item.get("host")) or text(item.get("hostname"))


def value_of(item: Mapping[str, Any]) -> str:
    return text(item.get("value")) or text(item.get("data")) or text(item.get("target"))


def read_record(path: str, item: Mapping[str, Any], domain: str) -> ExpectedRecord:
    name, value = name_of(item), unquoted(value_of(item))
    kind = text(item.get("type")).upper() or kind_of(path, value)
    found = re.fullmatch(r"([0-9]+)\s+(\S+)", value) if kind == "MX" else None
    level = priority(item.get("priority"))
    return ExpectedRecord(
        purpose=purpose_of(path, name, value),
        kind=kind,
        names=full_names(name, domain),
        value=found[2] if found else value,
        priority=(int(found[1]) if found else 10 if level is None else level) if kind == "MX" else None,
        provider_status=text(item.get("status")),
    )


def kind_of(path: str, value: str) -> str:
    key = path.rpartition(".")[2].lower()
    if value.startswith(("v=", "p=", "k=")):
        return "TXT"
    if "mx" in key:
        return "MX"
    return "TXT" if "txt" in key or " " in value else "CNAME"


def purpose_of(path: str, name: str, value: str) -> Purpose:
    if "_domainkey" in name:
        return Purpose.DKIM
    if name.startswith("_dmarc") or value.startswith("v=DMARC1"):
        return Purpose.DMARC
    if "tracking" in path.lower():
        return Purpose.TRACKING
    return Purpose.INBOUND if "inbound" in path.lower() or host(name).startswith("inbound") else Purpose.RETURN_PATH
