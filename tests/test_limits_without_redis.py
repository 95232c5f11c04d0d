"""Rate limits hold while Redis is missing, slow, full, or has lost its data. Each fault happens in a real Redis."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache as default_cache

from common import cache as fail_open
from tests.support.faults import Line
from tests.support.stack import RedisServer, wait_until

cache: Any = default_cache
LIMIT = 5
FAULTS = ["refused", "silent", "late", "flushed", "restarted", "read-only", "full"]
OUTAGES = ["refused", "silent", "late", "read-only", "full"]


class Redis:
    """A redis-server behind a proxy. ``begin`` and ``end`` are the switches of a fault."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.line = Line(server.port)
        self.line.become("through")
        self.url = f"redis://127.0.0.1:{self.line.port}/0"

    def begin(self, fault: str) -> None:
        if fault in ("refused", "silent", "late"):
            self.line.become(fault)
        elif fault == "flushed":
            assert self.server.command("FLUSHALL") == b"+OK"
        elif fault == "restarted":
            self.server.stop()
            self.server.start()
        elif fault == "read-only":
            assert self.server.command("REPLICAOF", "127.0.0.1", "1") == b"+OK"
        else:
            assert self.server.command("CONFIG", "SET", "maxmemory", "1") == b"+OK"

    def end(self) -> None:
        self.line.become("through")
        self.server.command("REPLICAOF", "NO", "ONE")
        self.server.command("CONFIG", "SET", "maxmemory", "0")


@pytest.fixture
def redis(redis_server, settings, monkeypatch) -> Iterator[Redis]:
    """The cache of the site. Calls wait as long as in production, and an outage is noticed to be over at once."""
    monkeypatch.setattr(fail_open, "CALL_TIMEOUT", timedelta(seconds=0.2))
    monkeypatch.setattr(fail_open, "RETRY_AFTER", timedelta(seconds=0.1))
    redis = Redis(redis_server)
    settings.CACHES = {"default": {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": redis.url}}
    rates = {"login": f"{LIMIT}/hour", "login_account": "1000/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    yield redis
    redis.line.become("refused")


@pytest.fixture
def guess(client, db) -> Callable[[int], list[int]]:
    def guess(times: int) -> list[int]:
        data = {"email": "ada@example.com", "password": "wrong"}
        path = "/api/accounts/login/"
        return [client.post(path, data, content_type="application/json").status_code for _ in range(times)]

    return guess


@pytest.mark.parametrize("fault", FAULTS)
def test_process_never_exceeds_the_limit(redis, guess, fault):
    assert guess(3) == [400] * 3
    redis.begin(fault)
    assert guess(6) == [400] * 2 + [429] * 4
    redis.end()
    assert guess(3) == [429] * 3


@pytest.mark.parametrize("fault", OUTAGES)
def test_process_counts_alone_from_the_start(redis, guess, fault):
    redis.begin(fault)
    assert guess(8) == [400] * 5 + [429] * 3


@pytest.mark.parametrize("fault", OUTAGES)
def test_log_reports_begin_and_end_of_an_outage_once(redis, guess, fault, caplog):
    caplog.set_level(logging.WARNING, "common.cache")
    guess(1)
    redis.begin(fault)
    wait_until(lambda: not cache.is_available(), "the outage is noticed")
    guess(LIMIT)
    redis.end()
    wait_until(lambda: cache.is_available(), "the recovery is noticed")
    first, last = [message for message in caplog.messages if "Redis" in message]
    assert "not available" in first
    assert "available again" in last


@pytest.mark.parametrize("fault", OUTAGES)
def test_readiness_and_metrics_report_the_outage(redis, client, db, settings, fault):
    settings.METRICS_TOKEN = "0123456789abcdef" * 2
    headers = {"authorization": f"Bearer {settings.METRICS_TOKEN}"}
    client.get("/readyz")
    assert "\ncache_unavailable 0.0" in client.get("/metrics", headers=headers).content.decode()
    redis.begin(fault)
    wait_until(lambda: client.get("/readyz").json()["checks"]["cache"] == "degraded", "the outage is reported")
    response = client.get("/readyz", headers=headers)
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert "each process counts" in response.json()["checks"]["cache"]
    assert "\ncache_unavailable 1.0" in client.get("/metrics", headers=headers).content.decode()
    redis.end()
    wait_until(lambda: client.get("/readyz").json()["checks"]["cache"] == "ok", "the recovery is reported")
    assert "\ncache_unavailable 0.0" in client.get("/metrics", headers=headers).content.decode()


def test_busy_process_is_no_outage(redis, guess, monkeypatch, caplog):
    """The response arrives in time, but the thread that waits for it doesn't get to run."""
    guess(1)
    is_released = threading.Event()
    run_script = fail_open.Client.run_script

    def run_late(*arguments: Any) -> object:
        is_released.wait()
        return run_script(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(fail_open.Client, "run_script", run_late)
        assert guess(2) == [400] * 2  # counted in this process
        is_released.set()
    wait_until(cache.is_available, "the late call has ended")
    assert guess(5) == [400] * 2 + [429] * 3
    assert [record for record in caplog.records if record.name == "common.cache"] == []


def test_call_without_end_is_an_outage(redis, guess, monkeypatch, caplog):
    """Resolving a host name has no timeout."""
    monkeypatch.setattr(fail_open, "STUCK_AFTER", timedelta(seconds=0.3))
    is_released = threading.Event()
    monkeypatch.setattr(fail_open.Client, "run_script", lambda *_: is_released.wait())
    assert guess(1) == [400]
    wait_until(lambda: not cache.is_available() and "not available" in caplog.text, "the outage is logged")
    is_released.set()
    wait_until(cache.is_available, "the call has ended")


def test_counter_of_the_cache_keeps_its_expiry(redis):
    """Django asks whether the key exists and then increments it, so a key that expires in between comes back."""
    cache.set("counter", 1, timeout=1)
    threads = [threading.Thread(target=increment_until_gone) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ttl = cache._cache.call("run_script", "return redis.call('PTTL', KEYS[1])", [cache.make_key("counter")], [])
    assert ttl != -1


def increment_until_gone() -> None:
    with suppress(ValueError):
        for _ in range(5000):
            cache.incr("counter")
