"""The wait before the next attempt at something that failed."""

import random
from datetime import timedelta

MIN_BACKOFF = timedelta(seconds=1)
MAX_DOUBLINGS = 20  # keeps the power of two small; every caller's maximum is reached long before


def backoff(failures: int, *, first: timedelta, longest: timedelta, jitter: float = 1.0) -> timedelta:
    """Return a wait of at least one second: exponential backoff with jitter.

    The upper bound is ``first`` before any failure, doubles with each earlier failure, and never exceeds ``longest``.
    ``jitter`` is the random share of the wait, from 0 (none) to 1 (full). Full jitter suits work that fails together,
    because it must not be retried together.
    """
    upper_bound = min(first * 2 ** min(failures, MAX_DOUBLINGS), longest)
    lower_bound = max(upper_bound * (1 - jitter), MIN_BACKOFF)
    return timedelta(seconds=random.uniform(lower_bound.total_seconds(), upper_bound.total_seconds()))
