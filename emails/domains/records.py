"""What a provider expects in DNS, and how it sees a domain: one form for all providers."""

from dataclasses import dataclass
from enum import StrEnum

from emails.domains.names import is_within, shown


class Purpose(StrEnum):
    DKIM = "dkim"
    SPF = "spf"
    RETURN_PATH = "return_path"
    TRACKING = "tracking"
    CAA = "caa"
    INBOUND = "inbound"
    DMARC = "dmarc"


# Without the others, emails arrive.
NEEDED_TO_SEND = (Purpose.DKIM, Purpose.SPF, Purpose.RETURN_PATH)


class RecordStatus(StrEnum):
    OK = "ok"
    MISSING = "missing"
    MISMATCH = "mismatch"
    DUPLICATE = "duplicate"
    LOOKUP_ERROR = "lookup_error"


class DomainStatus(StrEnum):
    NOT_STARTED = "not_started"
    PENDING = "pending"
    VERIFIED = "verified"
    PARTIAL = "partial"
    FAILING = "failing"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ExpectedRecord:
    """A record that the provider wants. ``names`` has several items if the provider's name can be read in two ways."""

    purpose: Purpose
    kind: str
    names: tuple[str, ...]
    value: str
    priority: int | None = None
    provider_status: str = ""
    # Why the provider doesn't accept the record.
    reason: str = ""

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def content(self) -> str:
        """The value in the form of an ``Answer``."""
        if self.kind == "MX":
            return f"{self.priority or 0} {host(self.value)}"
        return host(self.value) if self.kind == "CNAME" else self.value

    @property
    def to_add(self) -> str:
        """The type, the name, and the value, to be copied to the DNS host."""
        priority = f"{self.priority or 0} " if self.kind == "MX" else ""
        return shown(f"{self.kind} {self.name} {priority}{self.value}", 2500)


@dataclass(frozen=True, slots=True)
class ProviderDomain:
    """A domain as its provider describes it. ``can_send`` comes from the provider only, and never from DNS."""

    name: str
    status: DomainStatus
    can_send: bool
    records: tuple[ExpectedRecord, ...] = ()
    reason: str = ""
    # Whether only single addresses of the domain are verified, and not the domain itself.
    has_only_addresses: bool = False
    # Where a person continues the verification.
    page: str = ""


def host(name: str) -> str:
    return name.strip().strip('"').lower().removesuffix(".")


def full_names(name: str, domain: str) -> tuple[str, ...]:
    """Return the full names that a provider may mean by a name, the likeliest one first.

    Resend's names are relative to the part of the domain that was registered: "send.mail" for mail.example.com.
    """
    name = host(name)
    if name in ("", "@", domain):
        return (domain,)
    if is_within(name, domain):
        return (name,)
    labels = domain.split(".")
    for kept in range(len(labels) - 1, 0, -1):
        prefix = ".".join(labels[:kept])
        if is_within(name, prefix):
            # "send" for the domain send.example.com may also mean send.send.example.com.
            return (f"{name}.{'.'.join(labels[kept:])}", f"{name}.{domain}")
    parents = [".".join(labels[number:]) for number in range(1, len(labels) - 1)]
    is_full = any(is_within(name, parent) for parent in parents)
    return (name,) if is_full else (f"{name}.{domain}", *(f"{name}.{parent}" for parent in parents[-1:]))
