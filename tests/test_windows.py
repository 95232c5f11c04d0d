"""Sliding windows, counted in one process and in a real Redis: never more than the limit, never fewer, and an end."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from django.core.cache import cache as default_cache

from common import windows
from common.windows import Window, process_windows, seconds_to_wait
from tests.support.stack import wait_until

cache: Any = default_cache
THREADS = 8


@pytest.fixture(params=["process", "Redis"])
def counter(request, settings) -> str:
    """Count in this process only, or in Redis too. Without the process's own windows, Redis decides alone."""
    if request.param == "Redis":
        redis_server = request.getfixturevalue("redis_server")
        settings.CACHES = {"default": {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": redis_server.url}}
        monkeypatch = request.getfixturevalue("monkeypatch")
        monkeypatch.setattr(process_windows, "seconds_to_wait", lambda _: 0.0)
    return str(request.param)


@pytest.fixture
def set_rates(settings):
    def set_rates(**rates: str) -> None:
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}

    return set_rates


def hit(*subjects: str, scope: str = "login", **options) -> bool:
    return seconds_to_wait([Window("test", scope, subject, **options) for subject in subjects]) is None


def redis_keys() -> list[bytes]:
    return list(redis_client().scan_iter("*window:*"))


def redis_client():
    return cache._cache._client.get_client(write=True)


def test_no_period_has_more_requests_than_the_limit(counter, set_rates):
    """A window that begins anew every second would let twice as many through around its boundary."""
    set_rates(login="5/second")
    allowed: list[tuple[float, float]] = []
    enough = threading.Event()

    def send() -> None:
        while not enough.is_set():
            before = time.monotonic()
            if hit("ada"):
                allowed.append((before, time.monotonic()))
                if len(allowed) >= 11:
                    enough.set()

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(THREADS):
            pool.submit(send)
    allowed.sort()
    for i, (before, after) in enumerate(allowed[:-5]):
        # The six that can have been counted in the shortest period that begins with this call. Measured around the
        # calls, the periods are never too short: a thread may be stopped between the clock and the count.
        assert max(after, sorted(end for _, end in allowed[i + 1 :])[4]) - before >= 1


def test_parallel_burst_gets_exactly_the_limit(counter, set_rates):
    set_rates(login="20/hour")
    with ThreadPoolExecutor(THREADS) as pool:
        assert [*pool.map(lambda _: hit("ada"), range(200))].count(True) == 20


def test_waiting_as_told_is_enough(counter, set_rates):
    set_rates(login="2/second")
    window = [Window("test", "login", "ada")]
    for _ in range(5):
        if seconds := seconds_to_wait(window):
            assert seconds <= 1
            time.sleep(seconds)
            assert seconds_to_wait(window) is None


def test_first_full_window_refuses_and_nothing_is_counted(counter, set_rates):
    set_rates(login="2/hour")
    assert [hit("client", "ada") for _ in range(4)] == [True, True, False, False]
    assert [hit("client", "bob") for _ in range(4)] == [False] * 4
    assert [hit("other", "bob") for _ in range(3)] == [True, True, False]
    assert [hit("other client", "bob") for _ in range(3)] == [False] * 3
    assert [hit("other client") for _ in range(3)] == [True, True, False]


def test_share_is_a_fraction_of_the_rate_and_at_least_one(counter, set_rates):
    set_rates(login="10/hour", signup="3/hour")
    assert [hit("ada", share=5) for _ in range(4)] == [True, True, False, False]
    assert [hit("ada", scope="signup", share=5) for _ in range(2)] == [True, False]


def test_windows_of_other_purposes_and_scopes_are_separate(counter, set_rates):
    set_rates(login="1/hour", signup="1/hour")
    names = [("one", "login"), ("two", "login"), ("one", "signup")]
    assert [seconds_to_wait([Window(*name, "ada")]) for name in names] == [None] * 3


def test_without_a_rate_nothing_is_limited(counter, set_rates):
    set_rates()
    assert all(hit("ada") for _ in range(100))


def test_quota_limits_what_the_next_window_counts(counter, set_rates):
    """One client may go on, but uses up only a fifth of what all clients have together."""
    set_rates(login="10/hour")

    def send(client: str) -> bool:
        quota = Window("test", "login", f"{client} ada", share=5, is_quota=True)
        return seconds_to_wait([Window("test", "login", client), quota, Window("test", "login", "ada")]) is None

    assert [send("1") for _ in range(12)].count(True) == 10
    assert [send(client) for client in ("2", "3", "4") for _ in range(2)] == [True] * 6
    assert [send(client) for client in ("5", "5", "5", "6")] == [True, True, False, False]


def test_process_and_redis_decide_alike(settings, redis_server, set_rates, monkeypatch):
    set_rates(few="3/hour", many="7/hour")
    settings.CACHES = {"default": {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": redis_server.url}}
    alone = windows.ProcessWindows()
    monkeypatch.setattr(process_windows, "seconds_to_wait", lambda _: 0.0)
    chance = random.Random(10)
    for _ in range(400):
        used = [
            Window("test", scope, chance.choice("abc"), chance.choice([1, 2]), is_quota)
            for scope, is_quota in [("few", False), ("many", True), ("many", False)]
        ]
        in_redis, in_process = seconds_to_wait(used), alone.count([(window, window.key) for window in used])
        assert bool(in_redis) == bool(in_process)


@pytest.fixture
def redis_cache(settings, redis_server):
    settings.CACHES = {"default": {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": redis_server.url}}
    return redis_server


def test_key_hit_as_it_expires_still_ends(redis_cache, set_rates):
    set_rates(login="3/second")
    end = time.monotonic() + 2.2

    def send(_: int) -> int:
        count = 0
        while time.monotonic() < end:
            count += hit("ada")
        return count

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(send, range(THREADS))) > 3
    assert all(redis_client().pttl(key) >= 0 or not redis_client().exists(key) for key in redis_keys())
    wait_until(lambda: redis_keys() == [], "all keys have expired")


def test_refused_requests_write_nothing_to_redis(redis_cache, set_rates):
    set_rates(login="2/hour")
    for _ in range(2):
        hit("client", "ada")
    before = {key: redis_client().lrange(key, 0, -1) for key in redis_keys()}
    for number in range(50):
        hit("client", f"person {number}")
    assert {key: redis_client().lrange(key, 0, -1) for key in redis_keys()} == before
    process_windows.clear()  # another process
    for number in range(50):
        hit("client", f"person {number}")
    assert {key: redis_client().lrange(key, 0, -1) for key in redis_keys()} == before


def test_key_without_expiry_heals(redis_cache, set_rates):
    set_rates(login="2/second")
    assert hit("ada")
    [key] = redis_keys()
    redis_client().persist(key)
    wait_until(lambda: hit("ada") and redis_client().pttl(key) > 0, "the key has an expiry again")


def test_clock_that_was_set_back_closes_no_window(redis_cache, set_rates):
    set_rates(login="1/hour")
    assert hit("ada")
    [key] = redis_keys()
    process_windows.clear()
    redis_client().lset(key, 0, int((time.time() + 10 * 3600) * 1e6))
    assert hit("ada")


def test_memory_is_bounded_and_full_windows_stay(set_rates, monkeypatch):
    set_rates(login="5/hour")
    monkeypatch.setattr(windows, "MAXIMUM_WINDOWS", 100)
    for _ in range(5):
        hit("ada")
    for number in range(1000):
        assert hit(f"stranger {number}")
        assert not hit("ada")
    assert len(process_windows._times) <= 100


def test_windows_that_ended_are_forgotten_first(set_rates, monkeypatch):
    set_rates(login="5/second", signup="5/hour")
    monkeypatch.setattr(windows, "MAXIMUM_WINDOWS", 10)
    for number in range(8):
        for _ in range(3):
            hit(f"stranger {number}")
    assert hit("ada", scope="signup")
    time.sleep(1)
    assert all(hit(f"new {number}") for number in range(8))
    assert any(":signup:" in key for key in process_windows._times)


@pytest.mark.parametrize("subject", ["", "\x00", "\ud800", "ä" * 100_000, "ada@example.com"])
def test_any_subject_has_a_short_key_without_its_text(subject):
    key = Window("test", "login", subject).key
    assert len(key) < 100
    assert "@" not in key


def test_keys_depend_on_the_secret_key(settings):
    keys = []
    for secret in ("one", "two"):
        settings.SECRET_KEY = secret
        keys.append(Window("test", "login", "192.0.2.1").key)
    assert all(one != two for one, two in pairwise(keys))
