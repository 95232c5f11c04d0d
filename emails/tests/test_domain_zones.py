"""The checks of a sending domain in DNS: each zone comes from a real name server, and each is judged correctly."""

from datetime import timedelta
from functools import cache

import pytest

from common.findings import Finding, Level
from emails import domains
from emails.tests.support.name_server import NameServer
from emails.tests.support.zones import ZONES, is_judged_correctly


@pytest.fixture(scope="module")
def name_server():
    with NameServer() as server:
        for name, zone in ZONES.items():
            server.load("\n".join(zone.records).replace("{d}", f"{name}.example"))
        yield server


@pytest.fixture(autouse=True)
def ask_it(settings, name_server):
    settings.DNS_SERVER = name_server.address


@cache
def findings_of(name: str) -> list[Finding]:
    zone = ZONES[name]
    sender = zone.sender.replace("{d}", f"{name}.example")
    return domains.check_sending(sender, timeout=timedelta(seconds=zone.seconds), selectors=["s1"])


@pytest.mark.parametrize("name", ZONES)
def test_zone_is_judged_correctly(name):
    assert is_judged_correctly(ZONES[name], findings_of(name)), domains.as_text(findings_of(name))


@pytest.mark.parametrize("name", ZONES)
def test_each_problem_is_one_line_and_says_what_to_do(name):
    for finding in findings_of(name):
        assert "\n" not in f"{finding.subject}{finding.problem}{finding.fix}"
        assert bool(finding.problem) == bool(finding.fix) == (finding.level != Level.OK)
