"""Time of the checks of a sending domain, and how many zones they judge correctly.

    python benchmarks/sending_domain.py

A name server on loopback answers after 50 ms, or never. Targets: all zones, and at most 5 s for each, also if neither
the name server nor the provider answers.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"

import django

django.setup()

from django.conf import settings

from benchmarks.figures import report
from emails import domains
from emails.tests.support.domains_api import DomainsApi
from emails.tests.support.name_server import NameServer
from emails.tests.support.zones import ZONES, is_judged_correctly

LATENCY = 0.05  # seconds
BUDGET = 5.0  # seconds
ZONES_TO_JUDGE = 35


def slowest_zone(server: NameServer) -> tuple[float, int]:
    """Return the seconds that the slowest zone took, and how many zones were judged correctly."""
    slowest, correct = 0.0, 0
    for name, zone in ZONES.items():
        server.load("\n".join(zone.records).replace("{d}", f"{name}.example"))
        started = time.perf_counter()
        findings = domains.check_sending(zone.sender.replace("{d}", f"{name}.example"), selectors=["s1"])
        slowest = max(slowest, time.perf_counter() - started)
        correct += is_judged_correctly(zone, findings)
    return slowest, correct


def seconds_without_any_answer(server: NameServer, api: DomainsApi) -> float:
    settings.EMAIL_DELIVERY_BACKEND, settings.EMAIL_PROVIDER = "", "resend"
    settings.RESEND_API_URL, settings.RESEND_API_KEY = api.url("resend"), "key"
    api.silent.add("/domains")
    for name in ("silent.example.com", "_dmarc.silent.example.com", "_dmarc.example.com", "_dmarc.com"):
        server.faults[name] = "silence"
    started = time.perf_counter()
    domains.check_domain("hello@silent.example.com")
    return time.perf_counter() - started


def main() -> int:
    with NameServer(latency=LATENCY) as server, DomainsApi() as api:
        settings.DNS_SERVER = server.address
        slowest, correct = slowest_zone(server)
        is_reached = report(f"zones judged correctly, of {len(ZONES)}", correct, len(ZONES), at_least=True)
        is_reached &= report("zones", len(ZONES), ZONES_TO_JUDGE, at_least=True)
        is_reached &= report("the slowest zone", slowest, BUDGET, " s")
        silent = seconds_without_any_answer(server, api)
        is_reached &= report("no answer from the provider and DNS", silent, BUDGET, " s")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
