"""DMARC records: RFC 9989, and the tags of RFC 7489 that it removed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from emails.domains.names import canonical, shown
from emails.domains.tags import TAG

VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)")
ALMOST = re.compile(r"\W*v\W{0,3}dmarc|\s*p\s*=\s*(?:none|quarantine|reject)\b", re.IGNORECASE)
POLICIES = ("none", "quarantine", "reject")
REMOVED_TAGS = ("pct", "rf", "ri")
REPORT_URI = re.compile(r"mailto:[^@\s]+@([^!\s]+)(![0-9]+[kmgt]?)?", re.IGNORECASE)
ALLOWED = {
    "p": POLICIES,
    "sp": POLICIES,
    "np": POLICIES,
    "adkim": ("r", "s"),
    "aspf": ("r", "s"),
    "t": ("y", "n"),
    "psd": ("y", "n", "u"),
}


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A DMARC record at ``_dmarc.<domain>``. Invalid tags have their default, and ``warnings`` mentions them."""

    domain: str
    text: str
    policy: str
    subdomain_policy: str = ""
    nonexistent_policy: str = ""
    strict_dkim: bool = False
    strict_spf: bool = False
    is_test: bool = False
    public_suffix: str = "u"
    # The domains that receive aggregate reports.
    report_domains: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    # Not empty if receivers ignore the record.
    problem: str = ""

    def policy_for(self, domain: str, *, exists: bool) -> str:
        """Return what receivers apply to the domain: the policy, one level lower if it is only a test."""
        policy = self.policy
        if domain != self.domain:
            policy = self.subdomain_policy or policy
            policy = policy if exists else self.nonexistent_policy or policy
        return POLICIES[max(0, POLICIES.index(policy) - self.is_test)]


def selected(texts: Iterable[str]) -> list[str]:
    """Return the TXT records that are DMARC records."""
    return [text for text in texts if VERSION.match(text)]


def almost(texts: Iterable[str]) -> list[str]:
    """Return the TXT records that are meant as DMARC records, but that no receiver recognizes."""
    return [text for text in texts if ALMOST.match(text) and not selected([text])]


def parse(text: str, domain: str) -> DmarcRecord:
    """Parse a selected record. Raises nothing, because receivers go on with what they can read."""
    tags, warnings = _tags(text)
    valid = {name: value.lower() for name, value in tags.items() if value.lower() in ALLOWED.get(name, ())}
    invalid = [f"{name}={shown(tags[name], 40)}" for name in ALLOWED if name in tags and name not in valid]
    reports = tuple(_report_domains(tags.get("rua", "")))
    problem = "" if "p" in valid or reports else "it has no valid p=, which must be none, quarantine, or reject"
    warnings += [f"receivers ignore {tag}" for tag in invalid if "p" in valid or not tag.startswith("p=")]
    if "p" not in valid and reports:
        warnings.append("it has no valid p=, so receivers apply p=none")
    warnings += [f"{name}= has no effect any more" for name in REMOVED_TAGS if name in tags]
    if "rua" in tags and not reports:
        warnings.append("rua= must be a list of URIs such as mailto:dmarc@example.com")
    return DmarcRecord(
        domain=domain,
        text=text,
        policy=valid.get("p", "none"),
        subdomain_policy=valid.get("sp", ""),
        nonexistent_policy=valid.get("np", ""),
        strict_dkim=valid.get("adkim") == "s",
        strict_spf=valid.get("aspf") == "s",
        is_test=valid.get("t") == "y",
        public_suffix=valid.get("psd", "u"),
        report_domains=reports,
        warnings=tuple(warnings),
        problem=problem,
    )


def _tags(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the tags, and warnings about the parts that aren't tags or repeat one."""
    tags: dict[str, str] = {}
    warnings = []
    for part in filter(str.strip, text.split(";")):
        match = TAG.fullmatch(part)
        if match and match[1].lower() not in tags:
            tags[match[1].lower()] = match[2]
        else:
            warnings.append(f"receivers can't read {shown(part, 60)!r} in it")
    return tags, warnings


def _report_domains(value: str) -> Iterable[str]:
    for uri in value.split(","):
        match = REPORT_URI.fullmatch(uri.strip())
        if match and (domain := canonical(match[1])):
            yield domain
