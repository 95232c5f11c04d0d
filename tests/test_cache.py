"""The cache that may be away: gone in four ways, with real sockets, and a real Redis that returns."""

import logging
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator

import pytest
from django.core.cache.backends.redis import RedisCache

from common import cache as fail_open
from common.cache import FailOpenRedisCache
from tests.support.stack import free_port

ADA = {"name": "Ada", "password": "correct horse battery staple"}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def slow_names(monkeypatch) -> None:
    """A resolver that takes its time, as one with a dead name server in its list does."""

    def getaddrinfo(*_: object, **__: object) -> None:
        time.sleep(5)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(params=["refused", "silent", "unknown name", "slow name server"])
def absent(request) -> str:
    """The address of a Redis that is not there."""
    if request.param == "refused":
        return f"redis://127.0.0.1:{free_port()}/0"
    if request.param == "silent":
        return f"redis://127.0.0.1:{request.getfixturevalue('silent_port')}/0"
    if request.param == "slow name server":
        request.getfixturevalue("slow_names")
        return f"redis://redis-{free_port()}.test:6379/0"
    return f"redis://redis-{free_port()}.invalid:6379/0"


def test_without_redis_it_is_an_empty_cache(absent):
    away = FailOpenRedisCache(absent, {})
    assert away.get("key") is None
    assert away.get("key", "default") == "default"
    assert away.add("key", 1) is True
    away.set("key", 1, timeout=None)
    assert away.incr("key", 3) == 3
    assert away.decr("key") == -1
    assert (away.touch("key"), away.delete("key"), away.has_key("key"), "key" in away) == (False,) * 4
    assert away.get_many(["key"]) == {}
    assert away.set_many({"key": 1}) == []
    assert away.get_or_set("key", 7) == 7
    away.delete_many(["key"])
    away.clear()


def test_one_call_waits_and_the_others_do_not(absent, caplog):
    caplog.set_level(logging.WARNING, "common.cache")
    away = FailOpenRedisCache(absent, {})
    times = [seconds(lambda: away.get("key")) for _ in range(100)]
    assert times[0] < 0.4
    assert max(times[1:]) < 0.1
    assert len(caplog.records) == 1


def seconds(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


@pytest.mark.django_db
def test_sign_ups_go_on(client, settings, absent):
    with_cache = [seconds(lambda n=n: sign_up(client, f"with-{n}")) for n in range(10)]
    settings.CACHES = {"default": {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": absent}}
    without = [seconds(lambda n=n: sign_up(client, f"without-{n}")) for n in range(10)]
    assert statistics.median(without) < statistics.median(with_cache) + 0.02
    assert max(without) < 0.5


def sign_up(client, name: str) -> None:
    data = {**ADA, "email": f"{name}@example.com"}
    assert client.post("/api/accounts/signup/", data, content_type="application/json").status_code == 201


@pytest.mark.django_db
def test_throttles_count_in_redis(client, settings, redis_server):
    settings.CACHES = {"default": {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": redis_server.url}}
    rates = {"signup": "2/hour", "login": "2/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    login = {"email": "ada@example.com", "password": "wrong"}
    answers = [client.post("/api/accounts/login/", login, content_type="application/json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert 3590 <= int(answers[2]["Retry-After"]) <= 3600


def test_with_redis_it_is_djangos_cache(redis_server):
    present, django = (backend(redis_server.url, {}) for backend in (FailOpenRedisCache, RedisCache))
    present.set("key", {"a": [1]})
    assert django.get("key") == {"a": [1]}
    assert present.add("key", 2) is False
    assert present.get_many(["key", "other"]) == {"key": {"a": [1]}}
    present.set("number", 1)
    assert present.incr("number", 2) == 3
    with pytest.raises(ValueError, match="not found"):
        present.incr("missing")
    with pytest.raises(TypeError, match="pickle"):
        present.set("key", threading.Lock())
    assert present.get("number") == 3  # a mistake of the caller is no outage


def test_it_comes_back_by_itself(redis_server, caplog, monkeypatch):
    monkeypatch.setattr(fail_open, "RETRY_AFTER", fail_open.RETRY_AFTER / 20)
    caplog.set_level(logging.WARNING, "common.cache")
    returning = FailOpenRedisCache(redis_server.url, {})
    returning.set("key", 1)
    redis_server.stop()
    assert [returning.get("key") for _ in range(20)] == [None] * 20
    redis_server.start()
    time.sleep(0.3)
    returning.set("key", 2)
    assert returning.get("key") == 2
    failure, recovery = caplog.messages
    assert "not available" in failure
    assert "available again" in recovery


def test_the_log_holds_no_password(caplog):
    FailOpenRedisCache(f"redis://user:secret@127.0.0.1:{free_port()}/0", {}).get("key")
    assert "127.0.0.1" in caplog.text
    assert "secret" not in caplog.text


def test_a_forked_process_has_a_cache_of_its_own(redis_server):
    parent = FailOpenRedisCache(redis_server.url, {})
    parent.set("key", "parent")
    child = os.fork()
    if child == 0:
        parent.set("key", "child")
        os._exit(0 if parent.get("key") == "child" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert parent.get("key") == "child"


def test_a_call_that_nobody_waits_for_is_not_made_late(redis_server, monkeypatch):
    """Four look-ups block the threads; a fifth call waits behind them, and is given up."""
    asked = []

    def getaddrinfo(host: str, *_: object, **__: object) -> None:
        asked.append(host)
        time.sleep(2)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(fail_open, "RETRY_AFTER", fail_open.RETRY_AFTER * 0)
    blocked = FailOpenRedisCache("redis://blocked.test:6379/0", {})
    for _ in range(5):
        blocked.set("key", 1)
    time.sleep(1.5)
    assert len(asked) == fail_open.THREADS
