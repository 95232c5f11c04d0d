"""Time of one decision about a login, with Redis, without Redis, and while a process counts alone.

    python benchmarks/limits.py            needs redis-server

A login counts in four windows. Targets: at most 2 ms with Redis, and at most 0.1 ms otherwise.
"""

import logging
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"

import django

django.setup()

from django.core.cache import cache
from django.test import override_settings

from accounts.throttling import account_windows
from benchmarks.figures import report
from common.windows import Window, seconds_to_wait
from tests.support.stack import RedisServer

DECISIONS = 2000
WARM_UP = 100
WITH_REDIS, WITHOUT_REDIS = 2.0, 0.1  # milliseconds


def median(name: str) -> float:
    """Return the median milliseconds of a decision. Each is about another client and account."""
    durations = []
    for number in range(-WARM_UP, DECISIONS):
        client = f"client:{name}{number}"
        started = time.perf_counter()
        seconds_to_wait([Window("login", "login", client), *account_windows(f"{name}{number}@example.com", by=client)])
        if number >= 0:
            durations.append((time.perf_counter() - started) * 1000)
    return statistics.median(durations)


def main() -> int:
    logging.disable()
    is_reached = report("a decision without Redis", median("none"), WITHOUT_REDIS, " ms")
    redis = RedisServer().start()
    backend = {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": redis.url}
    with override_settings(CACHES={"default": backend}):
        is_reached &= report("a decision with Redis", median("redis"), WITH_REDIS, " ms")
        redis.stop()
        cache.get("key")  # finds out that Redis is away
        is_reached &= report("a decision during an outage", median("outage"), WITHOUT_REDIS, " ms")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
