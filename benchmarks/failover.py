"""How fast a second provider takes over, and how fast the first one takes back. Needs PostgreSQL and redis-server.

    python benchmarks/failover.py [--first resend] [--second sequenzy] [--after 20] [--outage 80] [--fault 503]

Two Celery workers and beat run as in production, while 2,000 emails are queued at a steady pace. In the middle, the
first provider fails for ``--outage`` seconds, some responses get lost, and both workers are killed once. Targets: the
second provider takes over within EMAIL_FALLBACK_AFTER_SECONDS (``--after``) and 30 seconds, the first one takes back
within a minute of its recovery, nothing is lost, and, if both have idempotency keys, nothing is sent twice.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import report
from emails.tests.support.providers import Accepted
from emails.tests.support.standin import StandIn
from tests.support.stack import RedisServer, Stack, temporary_database, wait_until

EMAILS = 2000
KEYLESS = {"sendgrid"}
QUEUE_STEADILY = """
import sys, time
import django
django.setup()
from django.core.mail import send_mail
count, pause = int(sys.argv[1]), float(sys.argv[2])
for number in range(count):
    send_mail("Hello", "Hello there.", None, [f"person-{number}@example.com"])
    time.sleep(pause)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", default="resend")
    parser.add_argument("--second", default="sequenzy")
    parser.add_argument("--after", type=int, default=20)
    parser.add_argument("--outage", type=int, default=80)
    parser.add_argument("--fault", default="503")
    arguments = parser.parse_args()
    redis = RedisServer().start()
    try:
        with StandIn(latency=0.05) as api, tempfile.TemporaryDirectory() as folder, temporary_database() as database:
            environment = environment_for(arguments, api, redis)
            with Stack(Path(folder), database, environment) as stack:
                return 0 if measure(stack, api, arguments) else 1
    finally:
        redis.stop()


def environment_for(arguments: argparse.Namespace, api: StandIn, redis: RedisServer) -> dict[str, str]:
    providers = (arguments.first, arguments.second)
    return {
        "REDIS_URL": redis.url,
        "EMAIL_PROVIDER": arguments.first,
        "EMAIL_FALLBACK_PROVIDER": arguments.second,
        "EMAIL_FALLBACK_AFTER_SECONDS": str(arguments.after),
        "EMAIL_LEASE_SECONDS": "20",
        "EMAIL_UNKNOWN_WAIT_SECONDS": "5",
        **{f"{provider.upper()}_API_KEY": f"key-of-{provider}" for provider in providers},
        **{f"{provider.upper()}_API_URL": api.url(provider) for provider in providers},
    }


def measure(stack: Stack, api: StandIn, arguments: argparse.Namespace) -> bool:
    first, second = arguments.first, arguments.second
    stack.manage("migrate", "-v", "0")
    stack.start_beat()
    stack.start_worker("worker1")
    stack.start_worker("worker2")
    # So slowly that emails are still being queued when the first provider takes back.
    pause = (arguments.outage + 70) / EMAILS
    stack.start("queue", sys.executable, "-c", QUEUE_STEADILY, str(EMAILS), str(pause))
    wait_until(lambda: len(api.accepted) >= 100, "emails are delivered")

    down_at = time.time()
    api.faults = ["cut-after", "500-after", "cut-after"]
    api.defaults = {first: arguments.fault}
    restart(stack, "worker1")
    wait_until(lambda: any(email.provider == second for email in api.accepted), f"{second} takes over")
    api.faults = ["cut-after", "500-after"]
    restart(stack, "worker2")
    time.sleep(max(down_at + arguments.outage - time.time(), 0))
    up_at = time.time()
    api.defaults = {}
    wait_until(lambda: any(is_new(email, first, up_at) for email in api.accepted), f"{first} takes back")
    wait_until(lambda: stack.statuses() == {"sent": EMAILS}, "everything is sent")

    copies = Counter(address for email in api.accepted for address in email.recipients)
    took_over_at = min(email.time for email in api.accepted if email.provider == second)
    took_back_at = min(email.time for email in api.accepted if is_new(email, first, up_at))
    print(f"{EMAILS} emails, {first} down for {up_at - down_at:.0f} s: {Counter(e.provider for e in api.accepted)}")
    is_reached = report("seconds until the second takes over", took_over_at - down_at, arguments.after + 30, " s")
    is_reached &= report("seconds until the first takes back", took_back_at - up_at, 60, " s")
    is_reached &= report("lost emails", EMAILS - len(copies), 0)
    duplicates = sum(count - 1 for count in copies.values())
    # Without keys: the lost responses, and one call per thread of each killed worker.
    return is_reached & report("emails sent twice", duplicates, 21 if KEYLESS & {first, second} else 0)


def is_new(email: Accepted, provider: str, since: float) -> bool:
    return email.provider == provider and email.time >= since


def restart(stack: Stack, worker: str) -> None:
    stack.kill(worker)
    stack.start_worker(worker, wait=False)


if __name__ == "__main__":
    sys.exit(main())
