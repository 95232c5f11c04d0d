"""How much longer a sign-up takes while Redis is away, in each of four ways. Needs PostgreSQL and redis-server.

    python benchmarks/redis_outage.py

The web process runs as in production; both halves of a measurement meet the same process. Targets: the median at most
1.2 times that with Redis, and no sign-up longer than 500 ms. Without root, two of the four ways are left out.
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

TARGET_RATIO, TARGET_WORST = 1.2, 500.0
SIGN_UPS = 30


def sign_up(stack: Stack, label: str) -> list[float]:
    """The milliseconds of each sign-up."""
    times = []
    for number in range(SIGN_UPS):
        started = time.perf_counter()
        answer = stack.signup(f"{label}-{number}@example.com")
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 201, answer.text
    return times


def measure(stack: Stack, prefix: tuple[str, ...], begin: Callable[[], None]) -> tuple[list[float], list[float]]:
    """Milliseconds with Redis and without it."""
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
            is_reached &= report(f"sign-up without / with Redis, {fault}", ratio, TARGET_RATIO)
            is_reached &= report(f"worst sign-up, {fault}", max(without), TARGET_WORST, " ms")
    finally:
        redis.stop()
    return 0 if is_reached else 1


def environment(redis_url: str) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "EMAIL_PROVIDER": "resend", "RESEND_API_KEY": "re_benchmark"}


if __name__ == "__main__":
    sys.exit(main())
