"""Lookups: a failed one is never a missing record, answers of any size arrive, and dnspython is loaded on demand."""

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from emails.domains.lookups import Lookups, Outcome
from emails.domains.spf_evaluation import evaluate
from emails.domains.spf_macros import Sender, expand
from emails.tests.support.name_server import NameServer

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def name_server():
    with NameServer() as server:
        yield server


@pytest.fixture
def load(name_server):
    name_server.records.clear()
    name_server.faults.clear()
    name_server.queries.clear()
    name_server.follows_aliases = True
    return name_server.load


@pytest.fixture
def lookups(name_server, load):
    with Lookups(timedelta(seconds=5), name_server.address) as lookups:
        yield lookups


def test_outcomes_differ(load, lookups):
    load("a.example TXT text\nbroken.example SERVFAIL")
    outcomes = [lookups.get(name, "TXT").outcome for name in ("a.example", "gone.example", "broken.example", "example")]
    assert outcomes == [Outcome.FOUND, Outcome.NONEXISTENT, Outcome.ERROR, Outcome.EMPTY]
    assert lookups.get("a.example", "MX").outcome == Outcome.EMPTY


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "x" * 64 + ".example", "a." * 200, "a b.example", "\0.example", "é\u202e.x"]
)
def test_invalid_names_are_nonexistent_without_a_question(name, lookups, name_server):
    assert lookups.get(name, "TXT").outcome == Outcome.NONEXISTENT
    assert name_server.queries == []


def test_unicode_names_are_asked_in_ascii(load, lookups):
    load("xn--bcher-kva.example TXT text")
    assert lookups.get("Bücher.example.", "TXT").values == ("text",)


def test_long_answers_come_over_tcp_in_one_piece(load, lookups, name_server):
    load(f"a.example TXT {'x' * 3000}")
    assert lookups.get("a.example", "TXT").values == ("x" * 3000,)
    assert {protocol for _, _, protocol in name_server.queries} == {"UDP", "TCP"}


@pytest.mark.parametrize("follows_aliases", [True, False])
def test_chains_of_aliases_are_followed(load, lookups, name_server, follows_aliases):
    name_server.follows_aliases = follows_aliases
    load("\n".join(f"a{number}.example CNAME a{number + 1}.example." for number in range(8)) + "\na8.example TXT end")
    answer = lookups.get("a0.example", "TXT")
    assert (answer.values, len(answer.aliases)) == (("end",), 8)


@pytest.mark.parametrize("follows_aliases", [True, False])
def test_circles_of_aliases_are_errors(load, lookups, name_server, follows_aliases):
    name_server.follows_aliases = follows_aliases
    load("a.example CNAME b.example.\nb.example CNAME a.example.\nself.example CNAME self.example.")
    for name in ("a.example", "self.example"):
        assert lookups.get(name, "TXT").reason == "its CNAME records lead in a circle"


def test_each_question_is_asked_one_time(load, lookups, name_server):
    load("a.example TXT text")
    lookups.start(("a.example", "TXT"), ("A.example.", "TXT"))
    assert lookups.get("a.example", "TXT").values == lookups.get("a.EXAMPLE", "TXT").values == ("text",)
    assert len(name_server.queries) <= 2  # on a busy machine, the question may be repeated after a second


def test_silent_server_ends_as_an_error_of_every_lookup(load, name_server):
    load("\n".join(f"a{number}.example silence" for number in range(30)))
    with Lookups(timedelta(seconds=0.3), name_server.address) as lookups:
        lookups.start(*((f"a{number}.example", "TXT") for number in range(30)))
        assert {lookups.get(f"a{number}.example", "TXT").outcome for number in range(30)} == {Outcome.ERROR}


def test_no_name_server_is_an_error():
    with Lookups(timedelta(seconds=0.3), "127.0.0.1:9") as lookups:
        assert lookups.get("example.com", "TXT").outcome == Outcome.ERROR


def test_dnspython_is_loaded_only_by_a_check():
    apps = ("accounts", "billing", "common", "emails", "myproject", "operations", "settings")
    modules = [path for app in apps for path in (ROOT / app).rglob("*.py") if "tests" not in path.parts]
    assert [path for path in modules if re.search(r"^(import|from) dns\b", path.read_text(), re.MULTILINE)] == []


SPF = """
x.example TXT v=spf1 ip4:192.0.2.0/28 a:h.example/28 mx exists:%{ir}.%{v}.sp.example include:i.example -all
x.example MX 10 m.example.
h.example A 198.51.100.17
m.example A 203.0.113.1
m.example AAAA 2001:db8::1
i.example TXT v=spf1 ip6:2001:db8:1::/48 ?all
9.113.0.203.in-addr.sp.example A 127.0.0.2
"""


@pytest.mark.parametrize(
    ("ip", "result"),
    [("192.0.2.15", "pass"), ("192.0.2.16", "fail"), ("198.51.100.30", "pass"), ("198.51.100.33", "fail"),
     ("203.0.113.1", "pass"), ("203.0.113.9", "pass"), ("2001:db8::1", "pass"), ("2001:db8:1::5", "pass"),
     ("2001:db8:2::5", "fail")],
)  # fmt: skip
def test_spf_for_an_ip_address(load, lookups, ip, result):
    load(SPF)
    assert evaluate(lookups, "x.example", Sender("a@x.example", ip_address(ip))).result == result


# The examples in RFC 7208, section 7.4.
@pytest.mark.parametrize(
    ("macro", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l-}", "strong.bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ],
)
def test_macros_of_the_standard(macro, expanded):
    sender = Sender("strong-bad@email.example.com", ip_address("192.0.2.3"))
    assert expand(macro, sender, "email.example.com") == expanded


def test_macros_about_an_unknown_message_are_recognized():
    assert expand("%{i}.example", Sender("a@x.example"), "x.example") is None
