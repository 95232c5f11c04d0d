"""Zones of sending domains, and what is wrong with each. In each zone, {d} stands for its own domain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from common.findings import Finding, Level

RSA_512 = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANUNhPXQ2ImOMx8wvsl1NzFAENLD7RVG7hsynelmCXCP5Qvo/UNUiN5YYT/6WVsW"
    "XSzvgk/4FWC47t4OOBI4S2kCAwEAAQ=="
)
RSA_1024 = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDEGXUIasllUkrAtqrgAyLfjkbUM2bMfra8sRIZf1vNDVZ3ufcWscX38LEi"
    "qfjwDJoLwpXrW0rvu3yQjLs0PljSWMs7LKQSbOIVZStsGzXoURm0CHfkPEpw9jMoioeWfQFmTaKCTBuLaB2Fg5Kifbnpu10Z"
    "h7qpWR4jJES58dUcEQIDAQAB"
)
RSA_2048 = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3Njg8VlXwY6kCgXgBnwy3A26XIhCIaBYPzMuVjB1VpUAMFiQRlXK"
    "nLg8dmzDXVSciayWDOXbUtn+1LRdfA/BZ6Z4gCEh79h+jloz6gwLI6ejBHFvPTBX7t3kIsQVZqMHdKyLJ6dKjyggOKPHe1po"
    "S0rDC8w3Nir91YY98CBblVmmG55fH0np/Nye3iqvf0iXgm7QxwPwMLFxqOTbKQ6/1SwaFEP9pbekoWIqBkcpIA+snlyiZUHF"
    "TosYYEinTy0u7wgC5/i6AacS6ZtT7s18C3jIH3sIzwcmY1pPw4jG0MtXs/e3aLqr+12lAtmxIkmLkF4UCPKJdGPxvfv46TJS"
    "tQIDAQAB"
)
ED25519 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

SPF = "{d} TXT v=spf1 ip4:192.0.2.0/24 ~all"
DMARC = "_dmarc.{d} TXT v=DMARC1; p=reject; rua=mailto:dmarc@{d}"
MX = "{d} MX 10 mx.{d}.\nmx.{d} A 192.0.2.1"
KEY = f"s1._domainkey.{{d}} TXT v=DKIM1; k=rsa; p={RSA_2048}"


@dataclass(frozen=True)
class Zone:
    """``problems`` has the level of each finding that isn't fine and some of its words, by check."""

    records: tuple[str, ...]
    problems: Mapping[str, str] = field(default_factory=dict)
    sender: str = "hello@{d}"
    # Less than usual where the server is silent, so that the test doesn't take so long.
    seconds: float = 5


def zone(*records: str, sender: str = "hello@{d}", seconds: float = 5, **problems: str) -> Zone:
    return Zone(records, {f"dns.{check}": words for check, words in problems.items()}, sender, seconds)


ZONES = {
    "healthy": zone(SPF, DMARC, MX, KEY),
    "no-records": zone(
        "{d} A 192.0.2.1",
        spf="error has no SPF",
        dmarc="error has no DMARC",
        mx="warning no MX",
        dkim="error no DKIM key",
    ),
    "two-spf-records": zone(SPF, "{d} TXT v=spf1 include:other.{d} -all", DMARC, MX, KEY, spf="error 2 SPF records"),
    "spf-needs-11-lookups": zone(
        "{d} TXT v=spf1 " + " ".join(f"a:a{number}.{{d}}" for number in range(11)) + " ~all",
        *(f"a{number}.{{d}} A 192.0.2.1" for number in range(11)),
        DMARC,
        MX,
        KEY,
        spf="error more than 10 DNS lookups",
    ),
    "spf-needs-10-lookups": zone(
        "{d} TXT v=spf1 " + " ".join(f"a:a{number}.{{d}}" for number in range(10)) + " ~all",
        *(f"a{number}.{{d}} A 192.0.2.1" for number in range(10)),
        DMARC,
        MX,
        KEY,
    ),
    "spf-nested-lookups": zone(
        "{d} TXT v=spf1 include:i0.{d} include:i1.{d} include:i2.{d} ~all",
        *(f"i{number}.{{d}} TXT v=spf1 a:x.{{d}} mx:{{d}} exists:x.{{d}} -all" for number in range(3)),
        "x.{d} A 192.0.2.1",
        DMARC,
        MX,
        KEY,
        spf="error more than 10 DNS lookups",
    ),
    "spf-empty-lookups": zone(
        "{d} TXT v=spf1 a:gone1.{d} a:gone2.{d} mx:gone3.{d} ~all",
        DMARC,
        MX,
        KEY,
        spf="error more than 2 of the names in it don't exist",
    ),
    "spf-two-empty-lookups": zone("{d} TXT v=spf1 a:gone1.{d} a:gone2.{d} ~all", DMARC, MX, KEY),
    "spf-include-circle": zone(
        "{d} TXT v=spf1 include:a.{d} ~all",
        "a.{d} TXT v=spf1 include:b.{d} -all",
        "b.{d} TXT v=spf1 include:a.{d} -all",
        DMARC,
        MX,
        KEY,
        spf="error in a circle",
    ),
    "spf-redirect-to-itself": zone("{d} TXT v=spf1 redirect={d}", DMARC, MX, KEY, spf="error in a circle"),
    "spf-redirect": zone("{d} TXT v=spf1 redirect=_spf.{d}", "_spf.{d} TXT v=spf1 ip4:192.0.2.1 -all", DMARC, MX, KEY),
    "spf-redirect-to-nothing": zone("{d} TXT v=spf1 redirect=_spf.{d}", DMARC, MX, KEY, spf="error doesn't exist"),
    "spf-include-without-record": zone(
        "{d} TXT v=spf1 include:_spf.{d} ~all", "_spf.{d} TXT verification=1", DMARC, MX, KEY, spf="error doesn't exist"
    ),
    "spf-syntax": zone("{d} TXT v=spf1 ip4:192.0.2.300 ~all", DMARC, MX, KEY, spf="error can't read 'ip4:192.0.2.300'"),
    "spf-without-space": zone("{d} TXT v=spf1;include:_spf.{d}", DMARC, MX, KEY, spf="error doesn't begin with v=spf1"),
    "spf-allows-everybody": zone(
        "{d} TXT v=spf1 include:a.{d} -all",
        "a.{d} TXT v=spf1 +all",
        DMARC,
        MX,
        KEY,
        spf="error every server in the world",
    ),
    "spf-neutral": zone("{d} TXT v=spf1 ip4:192.0.2.1", DMARC, MX, KEY, spf="warning says nothing"),
    "spf-macros": zone(
        "{d} TXT v=spf1 exists:%{i}._spf.{d} include:%{d2}.{d} -all".replace("%{d2}", "a"),
        "a.{d} TXT v=spf1 exists:%{ir}.%{v}.%{d2} -all",
        DMARC,
        MX,
        KEY,
    ),
    "spf-ptr": zone("{d} TXT v=spf1 ptr ~all", DMARC, MX, KEY, spf="warning contains ptr"),
    "spf-servfail-in-include": zone(
        "{d} TXT v=spf1 include:broken.{d} ~all", "broken.{d} SERVFAIL", DMARC, MX, KEY, spf="warning lookup_error"
    ),
    "spf-in-pieces": zone(
        "{d} TXT v=spf1 " + " ".join(f"ip4:192.0.2.{number}" for number in range(60)) + " ~all", DMARC, MX, KEY
    ),
    "many-txt-records": zone(
        SPF, *(f"{{d}} TXT site-verification={number:0200}" for number in range(60)), DMARC, MX, KEY
    ),
    "dkim-revoked": zone(SPF, DMARC, MX, "s1._domainkey.{d} TXT v=DKIM1; p=", dkim="error revoked"),
    "dkim-short": zone(SPF, DMARC, MX, f"s1._domainkey.{{d}} TXT p={RSA_512}", dkim="error 512 bits"),
    "dkim-1024-bits": zone(SPF, DMARC, MX, f"s1._domainkey.{{d}} TXT p={RSA_1024}"),
    "dkim-ed25519": zone(SPF, DMARC, MX, f"s1._domainkey.{{d}} TXT v=DKIM1; k=ed25519; p={ED25519}"),
    "dkim-cut": zone(SPF, DMARC, MX, f"s1._domainkey.{{d}} TXT v=DKIM1; p={RSA_2048[:200]}", dkim="error part of it"),
    "dkim-test": zone(SPF, DMARC, MX, KEY.replace("k=rsa", "t=y"), dkim="warning only a test"),
    "dkim-twice": zone(SPF, DMARC, MX, KEY, f"s1._domainkey.{{d}} TXT p={RSA_1024}", dkim="error 2 TXT records"),
    "dkim-through-aliases": zone(
        SPF,
        DMARC,
        MX,
        "s1._domainkey.{d} CNAME s1.a.{d}.",
        "s1.a.{d} CNAME s1.b.{d}.",
        "s1.b.{d} CNAME s1.c.{d}.",
        f"s1.c.{{d}} TXT p={RSA_2048}",
    ),
    "dkim-alias-circle": zone(
        SPF, DMARC, MX, "s1._domainkey.{d} CNAME a.{d}.", "a.{d} CNAME s1._domainkey.{d}.", dkim="warning in a circle"
    ),
    "dkim-alias-to-nothing": zone(SPF, DMARC, MX, "s1._domainkey.{d} CNAME gone.{d}.", dkim="error no DKIM key"),
    "dmarc-none": zone(SPF, "_dmarc.{d} TXT v=DMARC1; p=none; rua=mailto:dmarc@{d}", MX, KEY, dmarc="warning p=none"),
    "dmarc-twice": zone(SPF, DMARC, "_dmarc.{d} TXT v=DMARC1; p=none", MX, KEY, dmarc="error several DMARC records"),
    "dmarc-without-policy": zone(SPF, "_dmarc.{d} TXT v=DMARC1; rua=mailto:dmarc@{d}", MX, KEY, dmarc="warning p=none"),
    "dmarc-unusable": zone(SPF, "_dmarc.{d} TXT v=DMARC1; p=strict", MX, KEY, dmarc="error must begin with"),
    "dmarc-without-version": zone(SPF, "_dmarc.{d} TXT p=reject; v=DMARC1", MX, KEY, dmarc="error must begin with"),
    "dmarc-test-mode": zone(SPF, "_dmarc.{d} TXT v=DMARC1; p=quarantine; t=y", MX, KEY, dmarc="warning t=y"),
    "dmarc-removed-tags": zone(SPF, "_dmarc.{d} TXT v=DMARC1; p=reject; pct=50", MX, KEY, dmarc="warning pct= has no"),
    "dmarc-foreign-reports": zone(
        SPF,
        "_dmarc.{d} TXT v=DMARC1; p=reject; rua=mailto:a@reports-refused.example",
        MX,
        KEY,
        dmarc="warning hasn't agreed",
    ),
    "dmarc-agreed-reports": zone(
        SPF,
        "_dmarc.{d} TXT v=DMARC1; p=reject; rua=mailto:a@agreed.example",
        MX,
        KEY,
        "{d}._report._dmarc.agreed.example TXT v=DMARC1",
    ),
    "subdomain-inherits": zone(
        "mail.{d} TXT v=spf1 ip4:192.0.2.1 -all",
        DMARC,
        "mail.{d} MX 10 mx.{d}.",
        MX,
        KEY.replace("{d}", "mail.{d}"),
        sender="hello@mail.{d}",
    ),
    "subdomain-policy-none": zone(
        "mail.{d} TXT v=spf1 ip4:192.0.2.1 -all",
        "_dmarc.{d} TXT v=DMARC1; p=reject; sp=none",
        "mail.{d} MX 10 mx.{d}.",
        MX,
        KEY.replace("{d}", "mail.{d}"),
        sender="hello@mail.{d}",
        dmarc="warning sp=none",
    ),
    "nonexistent": zone(
        sender="hello@nonexistent-anywhere.example",
        domain="error doesn't exist",
        dmarc="error has no DMARC",
        dkim="error no DKIM key",
    ),
    "nonexistent-subdomain": zone(
        "_dmarc.{d} TXT v=DMARC1; p=reject; np=none",
        MX,
        sender="hello@gone.{d}",
        domain="error doesn't exist",
        dmarc="warning np=none",
        dkim="error no DKIM key",
    ),
    "servfail": zone("{d} SERVFAIL", DMARC, KEY, spf="warning SERVFAIL", mx="warning SERVFAIL"),
    "dmarc-servfail": zone(SPF, "_dmarc.{d} SERVFAIL", MX, KEY, dmarc="warning SERVFAIL"),
    "everything-refused": zone("{d} REFUSED", "_dmarc.{d} REFUSED", lookup="error REFUSED"),
    "everything-fails": zone("{d} SERVFAIL", "_dmarc.{d} SERVFAIL", lookup="error SERVFAIL"),
    "silence": zone("{d} silence", "_dmarc.{d} silence", seconds=0.3, lookup="error didn't answer in time"),
    "garbage-answers": zone("{d} garbage", "_dmarc.{d} garbage", seconds=0.3, lookup="error lookup_error"),
    "answers-cut": zone("{d} cut", "_dmarc.{d} cut", seconds=0.3, lookup="error lookup_error"),
    "null-mx": zone(SPF, DMARC, "{d} MX 0 .", KEY, mx="error never receives email"),
    "null-mx-and-others": zone(SPF, DMARC, MX, "{d} MX 0 .", KEY, mx="error beside other MX records"),
    "mx-to-nothing": zone(SPF, DMARC, "{d} MX 10 gone.{d}.", KEY, mx="error No server"),
    "one-mx-to-nothing": zone(SPF, DMARC, MX, "{d} MX 20 gone.{d}.", KEY, mx="warning doesn't exist"),
    "mx-to-alias": zone(
        SPF,
        DMARC,
        "{d} MX 10 alias.{d}.",
        "alias.{d} CNAME mx.{d}.",
        "mx.{d} A 192.0.2.1",
        KEY,
        mx="warning is a CNAME record",
    ),
    "mx-to-number": zone(SPF, DMARC, "{d} MX 10 192.0.2.1.", KEY, mx="error an IP address"),
    "no-mx-but-a": zone(SPF, DMARC, "{d} A 192.0.2.1", KEY, mx="warning no MX record"),
    "neither-mx-nor-a": zone(SPF, DMARC, KEY, mx="warning neither an MX nor an A"),
}


def problems_of(findings: Iterable[Finding]) -> dict[str, str]:
    """Return the level and the problem of each finding that isn't fine, by check."""
    return {finding.check: f"{finding.level} {finding.problem}" for finding in findings if finding.level != Level.OK}


def is_judged_correctly(zone: Zone, findings: Iterable[Finding]) -> bool:
    problems = problems_of(findings)
    levels = {check: words.split(" ", 1) for check, words in zone.problems.items()}
    return problems.keys() == levels.keys() and all(
        problems[check].startswith(level) and words in problems[check] for check, (level, words) in levels.items()
    )
