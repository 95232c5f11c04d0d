"""Time that waking a worker takes in a request while the broker is unreachable.

    python benchmarks/wakeup_cost.py

Target: at most 50 ms for 1,000 wake-ups. Each one only sets a flag, and a separate thread publishes to the broker.
"""

import logging
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"

import django

django.setup()

from benchmarks.figures import report
from emails.wakeup import wake_worker

TARGET_MS = 50.0
WAKE_UPS = 1000
ROUNDS = 20


def milliseconds() -> float:
    started = time.perf_counter()
    for _ in range(WAKE_UPS):
        wake_worker()
    return (time.perf_counter() - started) * 1000


def main() -> int:
    logging.disable()
    median = statistics.median(milliseconds() for _ in range(ROUNDS))
    is_reached = report(f"{WAKE_UPS:,} wake-ups without a broker, the median of {ROUNDS}", median, TARGET_MS, " ms")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
