"""A Redis cache that fails open: if Redis doesn't respond within 0.2 s, a call returns what an empty cache would."""

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

CALL_TIMEOUT = timedelta(seconds=0.2)  # includes connecting and resolving the host name
RETRY_AFTER = timedelta(seconds=5)
THREADS = 4  # so that one slow call doesn't delay the others

# What each method of Django's client returns for an empty cache.
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
    """Django's Redis cache, with one client for all threads of a process."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        options: dict[str, Any] = params.get("OPTIONS", {})
        self._client_arguments = (
            tuple(re.split("[;,]", server) if isinstance(server, str) else server),
            tuple(options.items()),
        )

    @property
    def _cache(self) -> Any:
        return _client(*self._client_arguments, os.getpid())


class FailOpenClient:
    """Django's client, called in threads of its own.

    Resolving a host name has no timeout and can take 5 s. In another thread, the caller waits no longer than
    CALL_TIMEOUT for it.
    """

    def __init__(self, servers: list[str], options: dict[str, Any]) -> None:
        seconds = CALL_TIMEOUT.total_seconds()
        # No retries inside the client: they would take longer than anybody waits.
        limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
        self._client = RedisCacheClient(servers, **{**limits, **options})
        self._breaker = Breaker(", ".join(_without_password(server) for server in servers))
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        for _ in range(THREADS):
            threading.Thread(target=self._work, name="cache", daemon=True).start()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, name, EMPTY_CACHE[name])

    def _call(self, name: str, empty: Callable[..., Any], *args: Any) -> Any:
        if not self._breaker.allows_call():
            return empty(*args)
        future: Future[Any] = Future()
        self._jobs.put((future, partial(getattr(self._client, name), *args)))
        try:
            result = future.result(CALL_TIMEOUT.total_seconds())
        except (RedisError, OSError, TimeoutError, CancelledError) as error:
            future.cancel()  # if it hasn't started yet, it must not write later
            self._breaker.failed(error)
            return empty(*args)
        self._breaker.succeeded()
        return result

    def _work(self) -> None:
        while True:
            future, job = self._jobs.get()
            if not future.set_running_or_notify_cancel():  # the caller has given up
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # the caller handles it, and this thread must survive
                future.set_exception(error)


class Breaker:
    """Skips calls after a failure, except for one call every RETRY_AFTER that tests whether Redis is back.

    Logs only the first failure and the recovery.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._retry_at: float | None = None

    def allows_call(self) -> bool:
        if self._retry_at is None:
            return True
        with self._lock:
            is_due = self._retry_at is None or time.monotonic() >= self._retry_at
            if is_due and self._retry_at is not None:  # postponed first, so that only one thread tests Redis
                self._retry_at = time.monotonic() + RETRY_AFTER.total_seconds()
            return is_due

    def failed(self, error: BaseException) -> None:
        with self._lock:
            is_first_failure = self._retry_at is None
            self._retry_at = time.monotonic() + RETRY_AFTER.total_seconds()
        if is_first_failure:
            reason = str(error) or f"no response within {CALL_TIMEOUT.total_seconds()} s"
            logger.warning("The cache at %s is not available (%s). Continuing without it.", self._address, reason)

    def succeeded(self) -> None:
        if self._retry_at is not None:
            self._retry_at = None
            logger.warning("The cache at %s is available again.", self._address)


@cache
def _client(servers: tuple[str, ...], options: tuple[tuple[str, Any], ...], pid: int) -> FailOpenClient:
    """Return one client per process. `pid` is part of the key because threads don't survive a fork."""
    return FailOpenClient(list(servers), dict(options))


def _without_password(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or url
