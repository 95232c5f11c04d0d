"""A Redis cache that may be away: every call ends within 0.2 s, if need be with the answer of an empty cache."""

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from datetime import timedelta
from functools import cache, partial
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=0.2)  # for one call, connecting and looking up the name included
PAUSE = timedelta(seconds=5)  # after a failure, before Redis is tried again
THREADS = 4

EMPTY_CACHE: dict[str, Callable[..., Any]] = {
    "add": lambda key, value, timeout: True,
    "get": lambda key, default: default,
    "set": lambda key, value, timeout: None,
    "touch": lambda key, timeout: False,
    "delete": lambda key: False,
    "get_many": lambda keys: {},
    "has_key": lambda key: False,
    "incr": lambda key, delta: delta,
    "set_many": lambda data, timeout: None,
    "delete_many": lambda keys: None,
    "clear": lambda: False,
}


class FailOpenRedisCache(RedisCache):
    """Django's Redis cache, whose client is shared by all threads of a process and made anew in a forked one."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        options: dict[str, Any] = params.get("OPTIONS", {})
        self._line = (tuple(re.split("[;,]", server) if isinstance(server, str) else server), tuple(options.items()))

    @property
    def _cache(self) -> Any:
        return _client(*self._line, os.getpid())


class FailOpenClient:
    """Django's client, its calls made by other threads.

    A thread of our own can wait as long as it likes: the look-up of a name has no time-out, and one that takes 5 s
    must cost the caller no more than his patience.
    """

    def __init__(self, servers: list[str], options: dict[str, Any]) -> None:
        seconds = PATIENCE.total_seconds()
        limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
        self._client = RedisCacheClient(servers, **{**limits, **options})
        self._breaker = Breaker(", ".join(_without_password(server) for server in servers))
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        for _ in range(THREADS):
            threading.Thread(target=self._work, name="cache", daemon=True).start()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, name, EMPTY_CACHE[name])

    def _call(self, name: str, empty: Callable[..., Any], *args: Any) -> Any:
        if not self._breaker.lets_through():
            return empty(*args)
        future: Future[Any] = Future()
        self._jobs.put((future, partial(getattr(self._client, name), *args)))
        try:
            answer = future.result(PATIENCE.total_seconds())
        except (RedisError, OSError, TimeoutError, CancelledError) as error:
            future.cancel()  # a call that nobody waits for any more must not write late
            self._breaker.failed(error)
            return empty(*args)
        self._breaker.succeeded()
        return answer

    def _work(self) -> None:
        while True:
            future, job = self._jobs.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # the caller's to judge; this thread goes on
                future.set_exception(error)


class Breaker:
    """Closed while Redis answers. After a failure one call every PAUSE is let through, to see; the log says it once."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._retry_at: float | None = None

    def lets_through(self) -> bool:
        if self._retry_at is None:
            return True
        with self._lock:
            is_time = self._retry_at is None or time.monotonic() >= self._retry_at
            if is_time and self._retry_at is not None:
                self._retry_at = time.monotonic() + PAUSE.total_seconds()
            return is_time

    def failed(self, error: BaseException) -> None:
        with self._lock:
            is_new = self._retry_at is None
            self._retry_at = time.monotonic() + PAUSE.total_seconds()
        if is_new:
            reason = str(error) or f"no answer within {PATIENCE.total_seconds()} s"
            logger.warning("The cache at %s is away (%s): going on without it.", self._address, reason)

    def succeeded(self) -> None:
        if self._retry_at is not None:
            self._retry_at = None
            logger.warning("The cache at %s is back.", self._address)


@cache
def _client(servers: tuple[str, ...], options: tuple[tuple[str, Any], ...], pid: int) -> FailOpenClient:
    """One per process: `pid` is part of the key because neither threads nor connections survive a fork."""
    return FailOpenClient(list(servers), dict(options))


def _without_password(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or url
