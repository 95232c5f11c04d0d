"""Time of cache calls during a Redis outage, for each of four kinds of outage.

    python benchmarks/cache_outage.py

Targets: at most 400 ms for the first call, which discovers the outage, and at most 100 ms for each of the next 99.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"

import django

django.setup()

from benchmarks.figures import report
from common.cache import FailOpenRedisCache
from tests.support.stack import free_port

FIRST_TARGET, OTHERS_TARGET = 400.0, 100.0
CALLS = 100


@contextmanager
def unreachable_redis(fault: str) -> Iterator[str]:
    """Yield the URL of a Redis server that cannot be reached because of ``fault``."""
    match fault:
        case "connection refused":
            yield f"redis://127.0.0.1:{free_port()}/0"
        case "server silent":
            with closing(socket.create_server(("127.0.0.1", 0))) as listener:
                yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        case "unknown host name":
            yield f"redis://redis-{free_port()}.invalid:6379/0"
        case _:
            with patch("socket.getaddrinfo", look_up_slowly):
                yield f"redis://redis-{free_port()}.test:6379/0"


def look_up_slowly(*_: object, **__: object) -> None:
    time.sleep(5)
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def milliseconds(cache: FailOpenRedisCache) -> float:
    started = time.perf_counter()
    cache.get("key")
    return (time.perf_counter() - started) * 1000


def main() -> int:
    logging.disable()
    is_reached = True
    for fault in ("connection refused", "server silent", "unknown host name", "name lookup takes 5 s"):
        with unreachable_redis(fault) as address:
            cache = FailOpenRedisCache(address, {})
            first, *others = [milliseconds(cache) for _ in range(CALLS)]
        is_reached &= report(f"first call, {fault}", first, FIRST_TARGET, " ms")
        is_reached &= report(f"slowest of the next {len(others)} calls, {fault}", max(others), OTHERS_TARGET, " ms")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
