"""Time of a sign-up during a Redis outage compared with normal operation, for each of four kinds of outage.

    python benchmarks/redis_outage.py            needs PostgreSQL and redis-server, and root for two of the outages

The web process runs as in production, and the same process handles the sign-ups before and during the outage. Targets:
a median of at most 1.2 times the one with Redis, and no sign-up that takes longer than 500 ms.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import report
from tests.support.faults import NAME_FAULTS, SERVER_FAULTS, may_mount, redis_outage
from tests.support.stack import RedisServer, Stack, temporary_database

RATIO_TARGET, SLOWEST_TARGET = 1.2, 500.0
SIGN_UPS = 30


def sign_up(stack: Stack, label: str) -> list[float]:
    """Return the milliseconds that each of the sign-ups took."""
    times = []
    for number in range(SIGN_UPS):
        started = time.perf_counter()
        response = stack.signup(f"{label}-{number}@example.com")
        times.append((time.perf_counter() - started) * 1000)
        assert response.status_code == 201, response.text
    return times


def measure(stack: Stack, prefix: tuple[str, ...], begin: Callable[[], None]) -> tuple[list[float], list[float]]:
    """Return the milliseconds of sign-ups before and during the outage that ``begin`` starts."""
    stack.manage("migrate", "-v", "0")
    stack.start_web(prefix)
    sign_up(stack, "warm")
    with_redis = sign_up(stack, "before")
    begin()
    return with_redis, sign_up(stack, "during")


def main() -> int:
    is_reached = True
    redis = RedisServer().start()
    try:
        for fault in [*SERVER_FAULTS, *(NAME_FAULTS if may_mount() else [])]:
            with (
                tempfile.TemporaryDirectory() as folder,
                temporary_database() as database,
                redis_outage(fault, redis.port, Path(folder)) as outage,
                Stack(Path(folder), database, environment(f"redis://{outage.host}:{outage.port}/0")) as stack,
            ):
                with_redis, without = measure(stack, outage.prefix, outage.begin)
            ratio = statistics.median(without) / statistics.median(with_redis)
            is_reached &= report(f"sign-up without / with Redis, {fault}", ratio, RATIO_TARGET)
            is_reached &= report(f"slowest sign-up, {fault}", max(without), SLOWEST_TARGET, " ms")
    finally:
        redis.stop()
    return 0 if is_reached else 1


def environment(redis_url: str) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "EMAIL_PROVIDER": "resend", "RESEND_API_KEY": "re_benchmark"}


if __name__ == "__main__":
    sys.exit(main())
