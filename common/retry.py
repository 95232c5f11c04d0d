"""The wait before the next attempt at something that failed."""

import random
from datetime import timedelta

MIN_BACKOFF = timedelta(seconds=1)
MAX_DOUBLINGS = 20  # keeps the power of two small; every caller's maximum is reached long before


def backoff(failures: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """Return a random wait of at least one second: exponential backoff with full jitter.

    The upper bound is ``first`` before any failure, doubles with each earlier failure, and never exceeds ``longest``.
    The wait is drawn from the whole range, because work that failed together must not be retried together.
    """
    upper_bound = min(first * 2 ** min(failures, MAX_DOUBLINGS), longest)
    return timedelta(seconds=random.uniform(MIN_BACKOFF.total_seconds(), upper_bound.total_seconds()))
