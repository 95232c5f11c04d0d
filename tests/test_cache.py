"""The cache without Redis: missing in four different ways, with real sockets, and a real Redis that returns."""

import logging
import os
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from common import cache as fail_open
from common.cache import FailOpenRedisCache
from tests.support.stack import HUNG_AFTER, free_port, wait_until

ADA = {"name": "Ada", "password": "correct horse battery staple"}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def slow_names(monkeypatch) -> Iterator[None]:
    """A resolver with a dead name server: it does not respond before the test ends."""
    is_over = threading.Event()

    def getaddrinfo(*_: object, **__: object) -> None:
        is_over.wait(HUNG_AFTER)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    is_over.set()


@pytest.fixture(params=["refused", "silent", "unknown name", "slow name server"])
def absent(request, monkeypatch) -> str:
    """The URL of a missing Redis, for which calls wait as long as in production."""
    monkeypatch.setattr(fail_open, "CALL_TIMEOUT", timedelta(seconds=0.2))
    if request.param == "refused":
        return f"redis://127.0.0.1:{free_port()}/0"
    if request.param == "silent":
        return f"redis://127.0.0.1:{request.getfixturevalue('silent_port')}/0"
    if request.param == "slow name server":
        request.getfixturevalue("slow_names")
        return f"redis://redis-{free_port()}.test:6379/0"
    return f"redis://redis-{free_port()}.invalid:6379/0"


def test_missing_redis_acts_as_an_empty_cache(absent):
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


def test_only_the_first_call_waits(absent, caplog, monkeypatch):
    """The first call must end, too, although neither the silent port nor the slow resolver ever responds."""
    caplog.set_level(logging.WARNING, "common.cache")
    monkeypatch.setattr(fail_open, "RETRY_AFTER", timedelta(hours=1))
    monkeypatch.setattr(fail_open, "STUCK_AFTER", timedelta(seconds=0.3))
    asked: list[Any] = []
    connect = RedisCacheClient.get

    def get(*args: Any) -> Any:
        asked.append(args)
        return connect(*args)

    monkeypatch.setattr(RedisCacheClient, "get", get)
    away = FailOpenRedisCache(absent, {})
    assert [away.get("key") for _ in range(100)] == [None] * 100
    assert len(asked) <= 1  # none if the machine is so busy that the first call was given up before it began

    def logged() -> list[str]:
        return [message for message in caplog.messages if urlsplit(absent).netloc in message]

    wait_until(lambda: away.get("key") is None and bool(logged()), "the outage is logged")
    assert len(logged()) == 1


@pytest.mark.django_db
def test_signups_continue_without_redis(client, settings, absent):
    settings.CACHES = {"default": {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": absent}}
    for number in range(10):
        sign_up(client, f"without-{number}")


def sign_up(client, name: str) -> None:
    data = {**ADA, "email": f"{name}@example.com"}
    assert client.post("/api/accounts/signup/", data, content_type="application/json").status_code == 201


@pytest.mark.django_db
def test_throttles_count_in_redis(client, settings, redis_server):
    settings.CACHES = {"default": {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": redis_server.url}}
    rates = {"signup": "2/hour", "login": "2/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    login = {"email": "ada@example.com", "password": "wrong"}
    responses = [client.post("/api/accounts/login/", login, content_type="application/json") for _ in range(3)]
    assert [response.status_code for response in responses] == [400, 400, 429]
    assert 0 < int(responses[2]["Retry-After"]) <= 3600


def test_cache_works_like_djangos_with_redis(redis_server):
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
    assert present.get("number") == 3  # an error of the caller is not an outage


def test_cache_recovers_by_itself(redis_server, caplog, monkeypatch):
    monkeypatch.setattr(fail_open, "RETRY_AFTER", fail_open.RETRY_AFTER / 20)
    caplog.set_level(logging.WARNING, "common.cache")
    returning = FailOpenRedisCache(redis_server.url, {})
    returning.set("key", 1)
    redis_server.stop()
    assert [returning.get("key") for _ in range(20)] == [None] * 20
    redis_server.start()

    def is_back() -> bool:
        returning.set("key", 2)
        return bool(returning.get("key") == 2)

    wait_until(is_back, "the cache is used again")
    failure, recovery = caplog.messages
    assert "not available" in failure
    assert "available again" in recovery


def test_log_contains_no_password(caplog):
    FailOpenRedisCache(f"redis://user:secret@127.0.0.1:{free_port()}/0", {}).get("key")
    assert "127.0.0.1" in caplog.text
    assert "secret" not in caplog.text


def test_forked_process_has_its_own_cache(redis_server):
    parent = FailOpenRedisCache(redis_server.url, {})
    parent.set("key", "parent")
    child = os.fork()
    if child == 0:
        parent.set("key", "child")
        os._exit(0 if parent.get("key") == "child" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert parent.get("key") == "child"


def test_abandoned_call_is_not_made_late(monkeypatch):
    """The first call blocks the only thread; the second waits behind it and is given up."""
    made = []
    is_released = threading.Event()

    def touch(_: object, key: str, *__: object) -> bool:
        made.append(key)
        return is_released.wait(HUNG_AFTER)

    monkeypatch.setattr(RedisCacheClient, "touch", touch)
    monkeypatch.setattr(fail_open, "THREADS", 1)
    monkeypatch.setattr(fail_open, "RETRY_AFTER", timedelta())
    blocked = FailOpenRedisCache("redis://blocked.test:6379/0", {})
    threading.Thread(target=blocked.touch, args=["first"]).start()
    wait_until(lambda: bool(made), "the first call blocks the thread")
    monkeypatch.setattr(fail_open, "CALL_TIMEOUT", timedelta(seconds=0.2))
    blocked.touch("late")
    is_released.set()
    wait_until(lambda: blocked.touch("last"), "the thread makes calls again")
    assert set(made) == {":1:first", ":1:last"}
