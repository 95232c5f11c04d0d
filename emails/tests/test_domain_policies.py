"""DMARC: which record applies, which domains belong together, and what receivers do with a record that is wrong."""

from datetime import timedelta

import pytest

from emails.domains import dmarc, policies
from emails.domains.lookups import Lookups
from emails.tests.support.name_server import NameServer


@pytest.fixture(scope="module")
def name_server():
    with NameServer() as server:
        yield server


@pytest.fixture
def walk(name_server):
    """Return the walk from a domain, with these DMARC records by domain."""
    name_server.records.clear()
    name_server.queries.clear()
    with Lookups(timedelta(seconds=5), name_server.address) as lookups:

        def start(domain: str, **records: str):
            for name, text in records.items():
                name_server.add(f"_dmarc.{name.replace('_', '.')}", "TXT", f"v=DMARC1; {text}")
            return policies.walk(lookups, domain)

        yield start


@pytest.mark.parametrize(
    ("domain", "records", "organizational", "policy"),
    [
        ("example.com", {}, "example.com", None),
        ("example.com", {"example_com": "p=reject"}, "example.com", "reject"),
        ("a.mail.example.com", {"example_com": "p=reject"}, "example.com", "reject"),
        ("a.mail.example.com", {"example_com": "p=reject", "mail_example_com": "p=none"}, "example.com", "reject"),
        ("mail.example.com", {"example_com": "p=reject", "mail_example_com": "p=none"}, "example.com", "none"),
        ("a.mail.example.com", {"example_com": "p=reject; sp=quarantine"}, "example.com", "quarantine"),
        ("a.mail.example.com", {"example_com": "p=none", "mail_example_com": "p=reject; psd=n"},
         "mail.example.com", "reject"),
        ("shop.example.co.uk", {"co_uk": "p=reject; psd=y"}, "example.co.uk", "reject"),
        ("shop.example.co.uk", {"co_uk": "p=reject; psd=y", "example_co_uk": "p=none"}, "example.co.uk", "none"),
        ("co.uk", {"co_uk": "p=quarantine; psd=y"}, "co.uk", "quarantine"),
        ("mail.example.com", {"example_com": "p=strict"}, "mail.example.com", None),
    ],
)  # fmt: skip
def test_walk_finds_the_organizational_domain_and_the_record(walk, domain, records, organizational, policy):
    found = walk(domain, **records)
    record = found.effective
    assert found.organizational_domain == organizational
    assert (record.policy_for(domain, exists=True) if record else None) == policy


def test_long_names_take_eight_queries(walk, name_server):
    found = walk("a.b.c.d.e.f.g.h.mail.example.com", example_com="p=reject")
    assert found.organizational_domain == "example.com"
    assert len(name_server.queries) == 8


@pytest.mark.parametrize(
    ("author", "other", "records", "strict", "is_aligned"),
    [
        ("example.com", "example.com", {"example_com": "p=none"}, True, True),
        ("example.com", "send.example.com", {"example_com": "p=none"}, False, True),
        ("example.com", "send.example.com", {"example_com": "p=none"}, True, False),
        ("mail.example.com", "example.com", {"example_com": "p=none"}, False, True),
        ("a.example.com", "b.example.com", {"example_com": "p=none"}, False, True),
        ("a.example.com", "b.example.com", {"a_example_com": "p=none; psd=n"}, False, False),
        ("example.com", "amazonses.com", {"example_com": "p=none"}, False, False),
        ("example.com", "notexample.com", {"example_com": "p=none"}, False, False),
        ("a.co.uk", "b.co.uk", {"co_uk": "p=reject; psd=y"}, False, False),
        ("example.com", "send.example.com", {}, False, True),
        ("example.com", "other.org", {}, False, False),
    ],
)
def test_alignment(walk, author, other, records, strict, is_aligned):
    assert policies.is_aligned(walk(author, **records), walk(other), strict=strict) is is_aligned


@pytest.mark.parametrize(
    ("text", "exists", "policy"),
    [
        ("p=reject; sp=quarantine; np=none", True, "quarantine"),
        ("p=reject; sp=quarantine; np=none", False, "none"),
        ("p=reject; sp=quarantine", False, "quarantine"),
        ("p=reject", False, "reject"),
        ("p=reject; t=y", True, "quarantine"),
        ("p=quarantine; t=y", True, "none"),
        ("p=none; t=y", True, "none"),
        ("P=Reject", True, "reject"),
        ("rua=mailto:a@example.com", True, "none"),
    ],
)
def test_policy_of_a_subdomain(text, exists, policy):
    assert dmarc.parse(f"v=DMARC1; {text}", "example.com").policy_for("a.example.com", exists=exists) == policy


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("p=reject; pct=50", "pct="),
        ("p=reject; ri=3600; rf=afrf", "ri="),
        ("p=reject; sp=never", "sp=never"),
        ("p=reject; adkim=x", "adkim=x"),
        ("p=reject; rua=dmarc@example.com", "rua="),
        ("p=reject; junk", "junk"),
        ("p=reject; p=none", "p=none"),
        ("p=bogus; rua=mailto:a@example.com", "no valid p="),
    ],
)
def test_warnings_name_the_tag(text, word):
    record = dmarc.parse(f"v=DMARC1; {text}", "example.com")
    assert not record.problem
    assert any(word in warning for warning in record.warnings)
