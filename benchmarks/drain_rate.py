"""How many mails a second one worker delivers by single sends. Needs PostgreSQL.

    python benchmarks/drain_rate.py [--mails 3000] [--latency 0.02] [--threads 8] [--provider sequenzy]

One process drains, as a Celery worker would; the provider is the strict stand-in as a process of its own. Target: at
least 300 mails/s with 20 ms latency and 8 threads (the ceiling is threads / latency: 400).
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


def drain(mails: int) -> float:
    """Queue the mails and deliver them; returns the seconds that the delivery took."""
    import django

    django.setup()
    from django.core.mail import EmailMultiAlternatives, get_connection
    from django.core.management import call_command

    from emails.delivery import deliver_due
    from emails.models import OutboundEmail

    call_command("migrate", verbosity=0)
    outbox = get_connection("emails.backends.outbox.OutboxBackend")
    messages = [EmailMultiAlternatives("Hello", "Hello there.", to=[f"person-{n}@example.com"]) for n in range(mails)]
    for message in messages:
        message.attach_alternative("<p>Hello there.</p>" + "<p>And some more of it.</p>" * 50, "text/html")
    outbox.send_messages(messages)
    started = time.perf_counter()
    deliver_due()
    seconds = time.perf_counter() - started
    assert OutboundEmail.objects.filter(status="sent").count() == mails
    return seconds


def delivered(provider: str, mails: int, *, latency: float, threads: int, limit: int = 0) -> tuple[float, dict]:
    """Deliver the mails through a stand-in that takes ``limit`` calls a second (0: any); the seconds and its report."""
    port = free_port()
    standin = [sys.executable, "-m", "emails.tests.support.standin", "--port", str(port), "--latency", str(latency)]
    server = subprocess.Popen(standin, cwd=ROOT)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{base}/_standin/report"), "the stand-in answers")
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
            seconds = drain(mails)
            from django.db import connection

            connection.close()
        return seconds, requests.get(f"{base}/_standin/report", timeout=10).json()
    finally:
        server.kill()
        server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=3000)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--provider", choices=["sequenzy", "sendgrid"], default="sequenzy")
    arguments = parser.parse_args()
    seconds, at_provider = delivered(
        arguments.provider, arguments.mails, latency=arguments.latency, threads=arguments.threads
    )
    rate = arguments.mails / seconds
    print(f"{arguments.mails} mails in {seconds:.2f} s")
    is_reached = report("emails per second, one a call", rate, TARGET, "/s", at_least=True)
    is_reached &= report("emails that arrived", at_provider["accepted"], arguments.mails, at_least=True)
    return 0 if is_reached else 1


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


if __name__ == "__main__":
    sys.exit(main())
