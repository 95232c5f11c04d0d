"""Emails per second that one worker delivers with one email per call. Needs PostgreSQL.

    python benchmarks/drain_rate.py [--emails 3000] [--latency 0.02] [--threads 8] [--provider sequenzy]

This process drains the outbox as a Celery worker would. A stand-in in another process plays the provider. Target at
20 ms latency and 8 threads: at least 300 emails/s. The most that is possible is threads / latency, which is 400.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import requests

from benchmarks.figures import report
from emails.tests.support.standin import BASES
from tests.support.stack import POSTGRES, free_port, temporary_database, wait_until

TARGET = 300.0


def drain(emails: int) -> float:
    """Queue and deliver that many emails. Returns the seconds that the delivery took."""
    import django

    django.setup()
    from django.core.mail import EmailMultiAlternatives, get_connection
    from django.core.management import call_command

    from emails.delivery import deliver_due
    from emails.models import OutboundEmail

    call_command("migrate", verbosity=0)
    outbox = get_connection("emails.backends.outbox.OutboxBackend")
    messages = [EmailMultiAlternatives("Hello", "Hello there.", to=[f"person-{n}@example.com"]) for n in range(emails)]
    for message in messages:
        message.attach_alternative("<p>Hello there.</p>" + "<p>And some more of it.</p>" * 50, "text/html")
    outbox.send_messages(messages)
    started = time.perf_counter()
    deliver_due()
    seconds = time.perf_counter() - started
    assert OutboundEmail.objects.filter(status="sent").count() == emails
    return seconds


def deliver_to_standin(
    provider: str, emails: int, *, latency: float, threads: int, limit: int = 0
) -> tuple[float, dict]:
    """Deliver that many emails to a stand-in that accepts ``limit`` calls per second, where 0 means any number.

    Returns the seconds that the delivery took, and the stand-in's report.
    """
    port = free_port()
    standin = [sys.executable, "-m", "emails.tests.support.standin", "--port", str(port), "--latency", str(latency)]
    server = subprocess.Popen(standin, cwd=ROOT)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until(lambda: responds(f"{base}/_standin/report"), "the stand-in responds")
        requests.post(f"{base}/_standin/control", json={"limit": limit}, timeout=10)
        with temporary_database() as database:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "settings.test",
                "DATABASE_URL": f"{POSTGRES}/{database}",
                "EMAIL_PROVIDER": provider,
                f"{provider.upper()}_API_KEY": "key_of_the_benchmark",
                f"{provider.upper()}_API_URL": base + BASES[provider],
                "EMAIL_RATE_PER_SECOND": str(limit),
                "EMAIL_DELIVERY_THREADS": str(threads),
            }
            seconds = drain(emails)
            from django.db import connection

            connection.close()
        return seconds, requests.get(f"{base}/_standin/report", timeout=10).json()
    finally:
        server.kill()
        server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emails", type=int, default=3000)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--provider", choices=["sequenzy", "sendgrid"], default="sequenzy")
    arguments = parser.parse_args()
    seconds, at_provider = deliver_to_standin(
        arguments.provider, arguments.emails, latency=arguments.latency, threads=arguments.threads
    )
    rate = arguments.emails / seconds
    print(f"{arguments.emails} emails in {seconds:.2f} s")
    is_reached = report("emails per second, one per call", rate, TARGET, "/s", at_least=True)
    is_reached &= report("accepted emails", at_provider["accepted"], arguments.emails, at_least=True)
    return 0 if is_reached else 1


def responds(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


if __name__ == "__main__":
    sys.exit(main())
