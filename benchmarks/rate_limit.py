"""Calls per second that arrive at a provider when eight workers share a limit of five.

    python benchmarks/rate_limit.py            needs PostgreSQL and redis-server

The provider's stand-in records when each call arrives. Target: at most five calls within any one second.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import report
from emails.tests.support.standin import StandIn
from tests.support.stack import RedisServer, Stack, temporary_database, wait_until

LIMIT = 5  # calls per second
WORKERS = 8
MESSAGES = {"sequenzy": 60, "resend": 4000}  # Resend takes 100 per call


def deliver(provider: str, api: StandIn, redis: RedisServer, folder: str) -> None:
    """Queue the messages and wait until the workers have delivered all of them."""
    environment = {
        "REDIS_URL": redis.url,
        "EMAIL_PROVIDER": provider,
        f"{provider.upper()}_API_KEY": "key_of_the_benchmark",
        f"{provider.upper()}_API_URL": api.url(provider),
        "EMAIL_RATE_PER_SECOND": str(LIMIT),
    }
    with temporary_database() as database, Stack(Path(folder), database, environment) as stack:
        stack.manage("migrate", "-v", "0")
        names = [f"worker{number}" for number in range(WORKERS)]
        for name in names:
            stack.start_worker(name, wait=False)
        wait_until(lambda: all("ready." in stack.log(name) for name in names), "the workers are ready")
        stack.queue(MESSAGES[provider])
        wait_until(lambda: stack.statuses() == {"sent": MESSAGES[provider]}, "everything is sent")


def main() -> int:
    is_reached = True
    redis = RedisServer().start()
    try:
        for provider in MESSAGES:
            with StandIn() as api, tempfile.TemporaryDirectory() as folder:
                api.limit = LIMIT
                deliver(provider, api, redis, folder)
            most, arrivals = api.report()["most_in_a_second"], api.arrivals
            spans = [later - earlier for earlier, later in zip(arrivals, arrivals[LIMIT:], strict=False)]
            is_reached &= report(f"most calls within a second, {provider}", most, LIMIT)
            is_reached &= report(f"shortest time for {LIMIT + 1} calls, {provider}", min(spans), 1, " s", at_least=True)
    finally:
        redis.stop()
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
