"""How many mails a second one worker delivers by single sends. Needs PostgreSQL.

    python benchmarks/drain_rate.py [--mails 3000] [--latency 0.02] [--threads 8]

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

from tests.stack import POSTGRES, free_port, temporary_database, wait_until

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
    assert deliver_due() == mails
    seconds = time.perf_counter() - started
    assert OutboundEmail.objects.filter(status="sent").count() == mails
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=3000)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--threads", type=int, default=8)
    arguments = parser.parse_args()
    port = free_port()
    standin = [sys.executable, "-m", "emails.tests.standin", "--port", str(port), "--latency", str(arguments.latency)]
    server = subprocess.Popen(standin, cwd=ROOT)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{base}/_standin/report"), "the stand-in answers", seconds=10)
        with temporary_database() as database:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "settings.test",
                "DATABASE_URL": f"{POSTGRES}/{database}",
                "EMAIL_PROVIDER": "resend",
                "RESEND_API_KEY": "re_benchmark",
                "RESEND_API_URL": f"{base}/resend",
                "EMAIL_DELIVERY_THREADS": str(arguments.threads),
            }
            seconds = drain(arguments.mails)
            from django.db import connection

            connection.close()
        report = requests.get(f"{base}/_standin/report", timeout=10).json()
    finally:
        server.kill()
        server.wait()
    rate = arguments.mails / seconds
    print(f"{arguments.mails} mails in {seconds:.2f} s: {rate:.0f} mails/s, target {TARGET:.0f}")
    print(f"the provider took {report['accepted']}")
    return 0 if rate >= TARGET and report["accepted"] == arguments.mails else 1


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


if __name__ == "__main__":
    sys.exit(main())
