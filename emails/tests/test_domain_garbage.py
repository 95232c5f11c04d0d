"""Garbage in DNS and in the responses of the APIs raises nothing, and is never shown as it is."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emails import domains
from emails.domains import dkim, dmarc, spf
from emails.domains.names import canonical, shown
from emails.domains.providers import resend, sendgrid, sequenzy
from emails.domains.records import full_names
from emails.tests.support.name_server import NameServer

HOSTILE = [
    "", "\0", "\x1b[31mred", "\u202egpj.exe", "a\nb", "é" * 300, "x" * 65536, ";" * 65536, "v=spf1 " + "a " * 20000,
    "v=DMARC1;" + "p=" * 20000, "v=DKIM1; p=" + "A" * 65536, "%{" * 1000, "v=spf1 " + "%{d}" * 5000,
]  # fmt: skip
WORDS = st.sampled_from([
    "v=spf1", "v=DMARC1;", "v=DKIM1;", "p=", "p=reject;", "include:", "a", "mx/24", "redirect=", "%{d}", "%{i}", "all",
    "-all", " ", ";", "=", "/", ":", "ip4:", "192.0.2.1", "\0", "\u202e", "é", "rua=mailto:", "@", "k=rsa;",
])  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=12).map("".join), st.sampled_from(HOSTILE[:6]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "value", "type", "record", "records", "dns", "data", "host", "status", "priority",
                         "domain",
                         "valid", "dkim", "spf", "mailFrom", "bounceRecords", "dnsRecords", "readiness", "capabilities",
                         "readyToSend", "style", "tracking"]), inner, max_size=6),
    max_leaves=12,
)  # fmt: skip


@given(TEXTS)
def test_parsers_survive_any_text(text):
    parse_as_everything(text)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_parsers_survive_hostile_texts(text):
    parse_as_everything(text)


def parse_as_everything(text):
    dkim.read_key(text)
    dmarc.parse(text, "example.com")
    assert len(spf.selected([text])) + len(spf.almost([text])) <= 1
    try:
        spf.parse(text)
    except spf.SpfSyntaxError as error:
        assert str(error)


@given(TEXTS)
def test_names_and_shown_texts_are_safe(text):
    assert set(canonical(text)) <= set(string.printable) - set(" \\\n\r\t\x0b\x0c")
    assert shown(text).isprintable()
    assert len(shown(text)) <= 501


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["status", "records", "dns", "domain", "valid", "dnsRecords", "dkim",
                                        "bounceRecords", "tracking", "readiness", "capabilities"]), JSON))  # fmt: skip
def test_descriptions_of_domains_may_have_any_form(data):
    for found in (resend.read_domain(data, "example.com"), sendgrid.read_domain(data)):
        assert isinstance(found.can_send, bool)
    found = sequenzy.read_domain(data, "example.com")
    assert len(found.records) <= sequenzy.MAX_RECORDS
    for record in found.records:
        assert record.to_add.isprintable()


@pytest.mark.parametrize(
    ("name", "domain", "names"),
    [
        ("send", "example.com", ("send.example.com",)),
        ("@", "example.com", ("example.com",)),
        ("", "example.com", ("example.com",)),
        ("send.example.com.", "example.com", ("send.example.com",)),
        ("send.mail", "mail.example.com", ("send.mail.example.com", "send.mail.mail.example.com")),
        ("resend._domainkey.mail", "mail.example.com", ("resend._domainkey.mail.example.com",)),
        ("send", "mail.example.com", ("send.mail.example.com", "send.example.com")),
        ("links.example.com", "mail.example.com", ("links.example.com",)),
    ],
)
def test_names_of_records_are_read_in_every_way_they_may_be_meant(name, domain, names):
    assert full_names(name, domain)[: len(names)] == names


@pytest.mark.parametrize("sender", ["", "x", "a@", "@b", "a@localhost", "a@[192.0.2.1]", "a@" + "x" * 70000,
                                    "a@b\0.com", "a@\u202ecom.b", "a@b..com", "a@-.com",
                                    "Ada <a@b.com>, c@d.com"])  # fmt: skip
def test_unusable_senders_are_findings(sender, settings):
    settings.DNS_SERVER = "127.0.0.1:9"
    findings = domains.check_sending(sender)
    assert [finding.check for finding in findings] == ["dns.domain"]
    assert domains.as_text(findings).replace("\n", "").isprintable()


def test_hostile_records_are_shown_safely(settings):
    with NameServer() as server:
        settings.DNS_SERVER = server.address
        for text in HOSTILE[1:5]:
            server.add("xn--bcher-kva.example", "TXT", f"v=spf1 {text}")
            server.add("_dmarc.xn--bcher-kva.example", "TXT", f"v=DMARC1; p=reject; {text}")
            server.add("s1._domainkey.xn--bcher-kva.example", "TXT", text)
        findings = domains.check_sending("hello@bücher.example", selectors=["s1"])
    assert {"dns.spf", "dns.dmarc", "dns.dkim"} <= {finding.check for finding in findings if finding.problem}
    assert domains.as_text(findings).replace("\n", "").isprintable()
