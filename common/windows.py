"""Counts requests in sliding windows: at most so many within any period of that length, not only until the full minute.

A window is the list of the times at which it counted a request, up to its limit. It is full if the oldest of these
times is less than a period ago. No counter has to be reset, so every window ends.

Each process counts for itself, and, if there is a Redis, all processes count there together. A process alone never
evaluates more requests than the limit, even if Redis is missing, slow, or has lost its data. The worst case is the
limit times the number of processes.
"""

import hashlib
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.cache import cache
from prometheus_client import Counter
from rest_framework.settings import api_settings

from common.cache import CacheUnavailable

SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}  # by the first letter of a rate's period, as in DRF
MICROSECONDS = 1_000_000
MAXIMUM_WINDOWS = 50_000  # about 20 MB per process

REFUSALS = Counter("rate_limit_refusals", "Requests refused by a rate limit.", ["purpose"])
FALLBACKS = Counter("rate_limit_fallbacks", "Requests counted in this process only, because Redis was not available.")


@dataclass(frozen=True, slots=True)
class Window:
    """At most so many requests of one subject for one purpose, within any period.

    The rate comes from `DEFAULT_THROTTLE_RATES[scope]` and is read every time. Without a rate, there is no limit.
    """

    purpose: str
    scope: str
    subject: str
    share: int = 1  # the divisor of the rate: 5 allows a fifth of it
    # A quota refuses nothing. It limits how many of its requests the next window counts.
    is_quota: bool = False

    @property
    def rate(self) -> str | None:
        rate: Any = api_settings.DEFAULT_THROTTLE_RATES.get(self.scope)
        return None if rate is None else str(rate)

    @property
    def limit(self) -> int:
        return max(1, parse_rate(self.rate or "1/s")[0] // self.share)

    @property
    def seconds(self) -> int:
        return parse_rate(self.rate or "1/s")[1]

    @property
    def key(self) -> str:
        # Email and IP addresses are personal data. They aren't validated yet, and can contain half a surrogate pair.
        subject = self.subject.encode(errors="replace")
        digest = hashlib.blake2b(subject, key=hash_key(settings.SECRET_KEY), digest_size=16).hexdigest()
        return f"window:{self.purpose}:{self.scope}{'/quota' if self.is_quota else ''}:{digest}"


def seconds_to_wait(windows: Sequence[Window]) -> float | None:
    """Count a request in all windows, or in none if one is full; returns None, or the seconds until there is room."""
    limited = [(window, window.key) for window in windows if window.rate is not None]
    if not limited:
        return None
    seconds = process_windows.seconds_to_wait(limited) or _count_together(limited)
    if not seconds:
        return None
    REFUSALS.labels(limited[0][0].purpose).inc()
    return seconds


def _count_together(limited: Sequence[tuple[Window, str]]) -> float:
    run_script = getattr(cache, "run_script", None)
    if run_script is None:  # no Redis is set up
        return process_windows.count(limited)
    arguments = [
        number
        for window, _ in limited
        for number in (window.limit, window.seconds * MICROSECONDS, int(window.is_quota))
    ]
    try:
        microseconds = int(run_script(COUNT, [key for _, key in limited], arguments))
    except CacheUnavailable:
        FALLBACKS.inc()
        return process_windows.count(limited)
    if not microseconds:
        process_windows.count(limited, is_checked=False)
    return microseconds / MICROSECONDS


# Returns 0 if the request was counted, and otherwise the microseconds to wait. A time in the future comes from a clock
# that was set back, and would keep its window full.
COUNT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local longest, counting, is_over_quota = 0, {}, false
for i, key in ipairs(KEYS) do
    local limit, period, is_quota = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), ARGV[3 * i] == '1'
    local oldest = tonumber(redis.call('LINDEX', key, -limit) or '') or -period
    local wait = oldest > now + period and 0 or math.min(oldest + period - now, period)
    if is_quota then
        is_over_quota = wait > 0
    end
    if wait > 0 and not is_quota then
        longest = math.max(longest, wait)
    end
    counting[i] = not is_over_quota
    is_over_quota = is_quota and is_over_quota
end
if longest > 0 then
    return longest
end
for i, key in ipairs(KEYS) do
    if counting[i] then
        redis.call('RPUSH', key, string.format('%.0f', now))
        redis.call('LTRIM', key, -tonumber(ARGV[3 * i - 2]), -1)
        redis.call('PEXPIRE', key, math.ceil(ARGV[3 * i - 1] / 1000))
    end
end
return 0
"""


Times = tuple[int, "array[float]"]  # the seconds of the period, and when requests were counted
NOTHING: Times = (0, array("d"))


class ProcessWindows:
    """The windows of this process, in memory. Does the same as the script."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, Times] = {}

    def seconds_to_wait(self, limited: Sequence[tuple[Window, str]]) -> float:
        """Return the seconds until all windows have room, which can be 0. Counts nothing."""
        with self._lock:
            return self._longest_wait(limited, time.monotonic())

    def count(self, limited: Sequence[tuple[Window, str]], *, is_checked: bool = True) -> float:
        """Count a request, or return the seconds to wait. Without `is_checked`, count it in any case."""
        with self._lock:
            now = time.monotonic()  # inside, so that the times of a window are in order
            if is_checked and (seconds := self._longest_wait(limited, now)):
                return seconds
            is_over_quota = False
            for window, key in limited:
                if window.is_quota:
                    is_over_quota = self._wait(window, key, now) > 0
                if not is_over_quota:
                    self._add(window, key, now)
                is_over_quota = is_over_quota and window.is_quota
            return 0.0

    def clear(self) -> None:
        with self._lock:
            self._times.clear()

    def _longest_wait(self, limited: Sequence[tuple[Window, str]], now: float) -> float:
        return max((self._wait(window, key, now) for window, key in limited if not window.is_quota), default=0.0)

    def _wait(self, window: Window, key: str, now: float) -> float:
        _, times = self._times.get(key, NOTHING)
        if len(times) < window.limit:
            return 0.0
        return max(0.0, times[-window.limit] + window.seconds - now)

    def _add(self, window: Window, key: str, now: float) -> None:
        if key not in self._times and len(self._times) >= MAXIMUM_WINDOWS:
            self._make_room(now)
        _, times = self._times.get(key, (0, array("d")))
        times.append(now)
        if len(times) > 2 * window.limit:
            del times[: -window.limit]
        self._times[key] = (window.seconds, times)

    def _make_room(self, now: float) -> None:
        """Forget the windows that have ended and, of the others, the tenth that counted the fewest requests.

        To have a window with n requests forgotten, an attacker must therefore make n requests in each of thousands of
        other windows.
        """
        counts = {key: len(times) - bisect_right(times, now - seconds) for key, (seconds, times) in self._times.items()}
        by_count = sorted(counts, key=counts.__getitem__)
        ended = sum(not count for count in counts.values())
        for key in by_count[: max(ended, MAXIMUM_WINDOWS // 10)]:
            del self._times[key]


process_windows = ProcessWindows()


@lru_cache
def parse_rate(rate: str) -> tuple[int, int]:
    """Return the number and the seconds of a rate such as 20/hour."""
    number, _, period = rate.partition("/")
    return int(number), SECONDS[period[0]]


@lru_cache
def hash_key(secret: str) -> bytes:
    return hashlib.sha256(f"common.windows:{secret}".encode()).digest()
