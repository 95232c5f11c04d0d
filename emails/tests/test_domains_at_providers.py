"""The sending domain at its provider: a real HTTP server per API, and a real name server with the records."""

from datetime import timedelta

import pytest

from common.findings import Level
from emails import domains
from emails.tests.support.domains_api import (
    DOMAINS,
    KEY,
    ZONES_OF,
    DomainsApi,
    record,
    resend_domain,
    sendgrid_domain,
    sequenzy_domain,
)
from emails.tests.support.name_server import NameServer

PROVIDERS = [*DOMAINS]
SENDER = "Acme <hello@example.com>"
RECORD_TO_ADD = {
    "resend": "TXT resend._domainkey.example.com p=MIG",
    "sendgrid": "CNAME em1234.example.com u1446226.wl.sendgrid.net",
    "sequenzy": "CNAME send.example.com bounce.sequenzy.net",
}
FIRST_PATH = {
    "resend": "/domains",
    "sendgrid": "/v3/whitelabel/domains",
    "sequenzy": "/api/v1/websites/example.com",
}
REFUSALS = {
    "wrong key": (401, {"name": "invalid_api_key", "message": "API key is invalid"}, "provider.key", "refuses"),
    "wrong key, 403": (403, {"errors": [{"message": "access forbidden"}]}, "provider.key", ""),
    "no such API": (404, b"<h1>Not Found</h1>", "provider.api", "status 404"),
    "too many calls": (429, {"message": "Too many requests"}, "provider.api", "too many calls"),
    "server error": (500, {"errors": [{"message": "internal error getting TXT"}]}, "provider.api", "status 500"),
    "HTML of a proxy": (502, b"<html><style>b{}</style><h1>Bad Gateway</h1></html>", "provider.api", "Bad Gateway"),
    "HTML with 200": (200, b"<h1>Welcome to our Wi-Fi</h1>", "provider.api", "Wi-Fi"),
    "redirect": (302, b"", "provider.api", "status 302"),
}


@pytest.fixture(scope="module")
def servers():
    with NameServer() as name_server, DomainsApi() as api:
        yield name_server, api


@pytest.fixture
def name_server(servers, settings):
    settings.DNS_SERVER = servers[0].address
    servers[0].records.clear()
    servers[0].faults.clear()
    return servers[0]


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return request.param


@pytest.fixture
def api(servers, settings, name_server):
    servers[1].reset()
    for name in PROVIDERS:
        setattr(settings, f"{name.upper()}_API_URL", servers[1].url(name))
        setattr(settings, f"{name.upper()}_API_KEY", f"key-of-{name}-0123456789")
    return servers[1]


@pytest.fixture
def use(settings, api, name_server):
    """Choose a provider, serve its domain, and publish the records, without the lines that begin with a name."""

    def choose(name: str, domain=None, without: tuple[str, ...] = (), zone: str = "") -> None:
        settings.EMAIL_DELIVERY_BACKEND = ""
        settings.EMAIL_PROVIDER = name
        if domain is not False:
            api.serve(name, domain or DOMAINS[name]())
        lines = [line for line in ZONES_OF[name].splitlines() if not line.startswith(without or "-")]
        name_server.load("\n".join([*lines, zone]))

    return choose


def problems(findings=None):
    findings = domains.check_domain(SENDER) if findings is None else findings
    return {finding.check: finding for finding in findings if finding.level != Level.OK}


def test_healthy_domain_has_no_problem(use, provider):
    use(provider)
    findings = domains.check_domain(SENDER)
    assert problems(findings) == {}, domains.as_text(findings)
    assert {"provider.domain", "dns.dkim", "dns.return_path", "dns.alignment", "dns.dmarc", "dns.mx"} <= {
        finding.check for finding in findings
    }


def test_missing_records_are_shown_to_be_added(use, provider):
    use(provider, without=("s1._", "s2._", "em1234", "send.", "resend.", "t1._", "t2._", "t3._"))
    fixes = [finding.fix for finding in domains.check_domain(SENDER) if finding.level == Level.ERROR]
    assert any(f"At your DNS host, add: {RECORD_TO_ADD[provider]}" in fix for fix in fixes), fixes


EMPTY = {
    "resend": (200, {"object": "list", "has_more": False, "data": []}),
    "sendgrid": (200, []),
    "sequenzy": (404, {"success": False, "error": "Website not found"}),
}


def test_unknown_domain_is_an_error(use, api, provider):
    use(provider, domain=False)
    api.pages[FIRST_PATH[provider]] = EMPTY[provider]
    finding = problems()["provider.domain"]
    assert finding.level == Level.ERROR
    assert "doesn't know example.com" in finding.problem


@pytest.mark.parametrize("case", REFUSALS)
def test_trouble_at_the_api_is_explained(use, api, provider, case):
    use(provider)
    status, body, check, words = REFUSALS[case]
    api.pages[FIRST_PATH[provider]] = (status, body)
    found = problems(domains.check_providers(SENDER))
    assert [*found] == [check]
    assert found[check].level == Level.WARNING
    assert words in found[check].problem


def test_silent_api_leaves_time_for_dns(use, api, provider):
    use(provider)
    api.silent.add(FIRST_PATH[provider])
    found = problems(domains.check_providers(SENDER, timeout=timedelta(seconds=0.4)))
    assert [*found] == ["provider.api"]


def test_missing_key_is_named(use, settings, provider):
    use(provider)
    setattr(settings, f"{provider.upper()}_API_KEY", "")
    assert f"{provider.upper()}_API_KEY is not set" in problems()["provider.key"].problem


def test_no_key_is_shown(use, settings, api, provider):
    use(provider)
    key = getattr(settings, f"{provider.upper()}_API_KEY")
    api.pages[FIRST_PATH[provider]] = (401, {"message": f"The key {key} is invalid"})
    assert key not in domains.as_text(domains.check_domain(SENDER))
    assert api.requests[0][1] == f"Bearer {key}"


RIGHTS = {
    "resend": (
        401,
        {"statusCode": 401, "name": "restricted_api_key", "message": "This API key is restricted to only send emails"},
    ),
    "sendgrid": (403, {"errors": [{"field": None, "message": "access forbidden"}]}),
    "sequenzy": (403, {"success": False, "error": "API key is missing required scope(s): websites:read"}),
}


def test_key_that_may_only_send_names_the_missing_right(use, api, provider):
    use(provider)
    api.pages[FIRST_PATH[provider]] = RIGHTS[provider]
    finding = problems()["provider.key"]
    assert finding.level == Level.WARNING
    assert "may not read domains" in finding.problem
    assert {"resend": "full access", "sendgrid": "Sender Authentication", "sequenzy": "websites"}[
        provider
    ] in finding.fix


def test_key_for_contacts_is_used_if_it_has_the_right(use, api, settings):
    use("resend")
    settings.RESEND_CONTACTS_API_KEY = "key-with-full-access"
    domains.check_providers(SENDER)
    assert {key for _, key in api.requests} == {"Bearer key-of-resend-0123456789"}
    api.pages["/domains"] = RIGHTS["resend"]
    domains.check_providers(SENDER)
    assert api.requests[-1][1] == "Bearer key-with-full-access"


@pytest.mark.parametrize(
    ("status", "level"),
    [("verified", "ok"), ("pending", "error"), ("not_started", "error"), ("failed", "error"), ("brand_new", "error"),
     ("temporary_failure", "warning"), ("partially_verified", "error")],
)  # fmt: skip
def test_status_at_resend_decides(use, status, level):
    use("resend", resend_domain(status=status))
    finding = next(found for found in domains.check_domain(SENDER) if found.check == "provider.domain")
    assert finding.level == level


def test_partly_verified_domain_may_send_if_the_sending_rows_are_verified(use):
    use("resend", resend_domain() | {"status": "partially_verified"})
    assert "provider.domain" not in problems()


def test_subdomain_at_resend_has_relative_names(use, settings, name_server):
    use("resend", resend_domain("mail.example.com"))
    found = [finding.fix for finding in domains.check_domain("hello@mail.example.com") if "TXT" in finding.subject]
    assert any("TXT send.mail.example.com v=spf1" in fix for fix in found), found


def test_domains_on_later_pages_are_found(use, api):
    use("sendgrid", domain=False)
    others = [sendgrid_domain(f"other{number}.example") for number in range(50)]
    api.pages["/v3/whitelabel/domains"] = (200, others)
    assert "doesn't know" in problems(domains.check_providers(SENDER))["provider.domain"].problem
    assert len(api.requests) == 11, "an API that repeats its page must not be asked forever"


def test_parent_at_sendgrid_is_a_warning(use):
    use("sendgrid")
    finding = problems(domains.check_domain("hello@shop.example.com"))["provider.domain"]
    assert (finding.level, "knows example.com" in finding.problem) == (Level.WARNING, True)


@pytest.mark.parametrize("address", ["hello@example.com", "hello@other.example"])
def test_single_sender_at_sendgrid_is_no_verified_domain(use, api, address):
    use("sendgrid", domain=False)
    api.pages["/v3/whitelabel/domains"] = (200, [])
    api.pages["/v3/verified_senders"] = (200, {"results": [{"from_email": address, "verified": True}]})
    finding = problems(domains.check_providers(SENDER))["provider.domain"]
    assert finding.level == (Level.WARNING if address == "hello@example.com" else Level.ERROR)


def test_stricter_policy_than_the_provider_suggests_is_accepted(use):
    records = {"dmarcRecord": {"name": "_dmarc.example.com", "type": "TXT", "value": "v=DMARC1; p=none;"}}
    use("sequenzy", sequenzy_domain(dnsRecords=records))
    assert [finding.level for finding in domains.check_domain(SENDER) if finding.check == "dns.dmarc"] == ["ok", "ok"]


def test_wildcard_record_is_no_proxy(use):
    use("sendgrid", without=("em1234",), zone="em1234.example.com A 192.0.2.5")
    assert "proxied" in problems()["dns.return_path"].problem
    use("sendgrid", without=("em1234",), zone="a-name-that-nobody-uses.example.com A 192.0.2.5")
    assert "proxied" not in problems()["dns.return_path"].problem


def test_other_txt_records_don_t_hide_a_missing_one(use):
    use("resend", without=("send.example.com TXT",), zone="send.example.com TXT site-verification=1")
    assert problems()["dns.return_path"].problem == "The TXT record send.example.com is missing."


def test_manual_security_at_sendgrid_has_other_keys(use):
    rows = {
        "mail_server": {"valid": False, "type": "mx", "host": "em1.example.com", "data": "mx.sendgrid.net"},
        "subdomain_spf": {
            "valid": False,
            "type": "txt",
            "host": "em1.example.com",
            "data": "v=spf1 include:sendgrid.net ~all",
        },
        "dkim": {"valid": False, "type": "txt", "host": "m1._domainkey.example.com", "data": f"k=rsa; {KEY}"},
    }
    use("sendgrid", sendgrid_domain(valid=False, dns=rows))
    fixes = " ".join(finding.fix for finding in domains.check_domain(SENDER))
    assert "MX em1.example.com 10 mx.sendgrid.net" in fixes
    assert "TXT em1.example.com v=spf1 include:sendgrid.net ~all" in fixes
    assert "TXT m1._domainkey.example.com k=rsa; p=MIG" in fixes


def test_outdated_records_of_sequenzy_are_not_asked_for(use):
    use("sequenzy")
    assert not [finding for finding in domains.check_domain(SENDER) if "MX send" in finding.subject]


MISTAKES = {
    "name doubled by the DNS host": (
        "sendgrid", ("em1234",), "em1234.example.com.example.com CNAME u1446226.wl.sendgrid.net.", "dns.return_path",
        "Your DNS host added example.com to the name a second time. Enter the name as em1234."),
    "proxied CNAME": (
        "sendgrid", ("em1234",), "em1234.example.com A 198.51.100.1", "dns.return_path", "probably proxied"),
    "two SPF records at one name": (
        "resend", (), "send.example.com TXT v=spf1 include:_spf.google.com -all", "dns.return_path",
        "There are 2 SPF records at send.example.com, and only one is allowed."),
    "TXT where CNAME was asked": (
        "sendgrid", ("s1._",), "s1._domainkey.example.com TXT s1.domainkey.u1446226.wl.sendgrid.net", "dns.dkim",
        "There is a TXT record with this name"),
    "MX at the domain itself": (
        "resend", ("send.example.com MX",), "example.com MX 10 feedback-smtp.us-east-1.amazonses.com.",
        "dns.return_path",
        "The record is at example.com instead, where it takes the replies to you. Move it to send.example.com."),
    "_dmarc twice": (
        "resend", (), "_dmarc.example.com TXT v=DMARC1; p=none", "dns.dmarc", "several DMARC records"),
    "CNAME where TXT was asked": (
        "resend", ("resend._",), "resend._domainkey.example.com CNAME elsewhere.example.", "dns.dkim", "CNAME record"),
    "another key": (
        "resend", ("resend._",), "resend._domainkey.example.com TXT p=AAAA", "dns.dkim", "has another value: p=AAAA"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_mistake_is_explained(use, case):
    name, without, zone, check, words = MISTAKES[case]
    use(name, without=without, zone=zone)
    finding = problems()[check]
    assert finding.level == Level.ERROR
    assert words in finding.problem


def test_copied_records_of_a_cname_target_are_accepted(use):
    flattened = "em1234.example.com TXT v=spf1 ip4:192.0.2.7 -all\nem1234.example.com MX 10 mx.sendgrid.net."
    use("sendgrid", without=("em1234",), zone=flattened)
    assert problems() == {}


def test_failed_lookup_is_no_missing_record(use):
    use("resend", zone="send.example.com SERVFAIL")
    finding = problems()["dns.return_path"]
    assert finding.level == Level.WARNING
    assert finding.problem.startswith("lookup_error")


def test_foreign_signature_is_misaligned(use):
    rows = [record("DKIM", "resend._domainkey.other.org", "TXT", KEY)]
    use("resend", resend_domain(records=rows), zone=f"resend._domainkey.other.org.example.com TXT {KEY}")
    assert "dns.alignment" not in problems()  # a name that isn't within the domain is relative to it
    use("sendgrid", sendgrid_domain(dns={"dkim1": {"type": "txt", "host": "s1._domainkey.other.com", "data": KEY}}))
    assert "dns.alignment" in {finding.check for finding in domains.check_domain(SENDER)}


def test_strict_alignment_needs_the_same_name(use, name_server):
    name_server.load("_dmarc.shop.example.com TXT v=DMARC1; p=reject; adkim=s")
    use("sendgrid")
    finding = problems(domains.check_domain("hello@shop.example.com"))["dns.alignment"]
    assert finding.level == Level.WARNING
    assert "adkim=s" in finding.fix


def test_fallback_provider_is_checked_too(use, settings):
    use("resend")
    settings.EMAIL_FALLBACK_PROVIDER = "sendgrid"
    subjects = [finding.subject for finding in domains.check_domain(SENDER)]
    assert "example.com at Resend" in subjects
    assert "example.com at SendGrid" in subjects


@pytest.mark.parametrize("name", ["smtp", "console"])
def test_other_providers_are_checked_only_in_dns(name_server, settings, name):
    settings.EMAIL_DELIVERY_BACKEND, settings.EMAIL_PROVIDER, settings.EMAIL_HOST = "", name, "smtp.example.com"
    findings = domains.check_domain(SENDER)
    assert any(f"{name} can't be asked" in finding.subject for finding in findings)


def test_smtp_needs_an_spf_record_of_the_domain(name_server, settings):
    settings.EMAIL_DELIVERY_BACKEND, settings.EMAIL_PROVIDER, settings.EMAIL_HOST = "", "smtp", "smtp.example.com"
    name_server.load("example.com A 192.0.2.1")
    assert problems()["dns.spf"].fix == "At your DNS host, add: TXT example.com v=spf1 a:smtp.example.com ~all"
