"""The backoff: exponential, jittered over the whole range, and bounded at both ends."""

from datetime import timedelta

import pytest

from common.retry import MIN_BACKOFF, backoff

FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=1)


def waits(failures, times=300):
    return [backoff(failures, first=FIRST, longest=LONGEST) for _ in range(times)]


@pytest.mark.parametrize(("failures", "longest"), [(0, 5), (1, 10), (4, 80), (10, 3600), (10_000, 3600)])
def test_wait_lies_between_a_second_and_its_limit(failures, longest):
    assert MIN_BACKOFF <= min(waits(failures)) <= max(waits(failures)) <= timedelta(seconds=longest)


def test_wait_is_spread_over_the_whole_range():
    found = waits(4)
    assert min(found) < timedelta(seconds=20)
    assert max(found) > timedelta(seconds=60)
