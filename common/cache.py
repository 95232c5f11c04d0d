"""A Redis cache whose calls end within 0.2 s. While Redis doesn't respond, it acts as an empty cache.

Rate limits don't use it as a cache: they run a script, which fails while Redis doesn't respond (common/windows.py).
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from datetime import timedelta
from functools import cache, partial
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from prometheus_client import Gauge
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

CALL_TIMEOUT = timedelta(seconds=0.2)  # includes connecting and resolving the host name
RETRY_AFTER = timedelta(seconds=5)
STUCK_AFTER = timedelta(seconds=3)
THREADS = 4  # so that one slow call doesn't delay the others
PROBE_KEY = "cache:probe"

OUTAGE = Gauge("cache_unavailable", "Whether this process does without Redis.", multiprocess_mode="livesum")

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
# Django's client asks whether the key exists and then increments it. If the key expired in between, it would come back
# without an expiry.
INCREMENT = "return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('INCRBY', KEYS[1], ARGV[1])"


class CacheUnavailable(Exception):
    """Redis didn't respond in time, or it refused the call."""


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

    def run_script(self, script: str, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        """Run a Lua script, which is atomic; returns its result. Raises CacheUnavailable."""
        return self._cache.call("run_script", script, [self.make_key(key) for key in keys], arguments)

    def is_available(self) -> bool:
        """Return whether Redis accepts a write from this process."""
        try:
            self._cache.call("probe")
        except CacheUnavailable:
            return False
        return True


class Client(RedisCacheClient):
    """Django's client, with an increment that is atomic, scripts, and a probe."""

    def incr(self, key: Any, delta: int) -> int:
        value = self.run_script(INCREMENT, [key], [delta])
        if value is None:
            raise ValueError(f"Key {key!r} not found.")
        return int(value)

    def run_script(self, script: str, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        # Not EVALSHA: a restarted Redis doesn't know the script, and sending it costs next to nothing.
        return self.get_client(write=True).eval(script, len(keys), *keys, *arguments)

    def probe(self) -> None:
        """Write to Redis, because a full or read-only Redis still responds to reads."""
        self.get_client(write=True).set(PROBE_KEY, 1, px=1000)


class FailOpenClient:
    """A client whose calls run in threads of their own.

    Resolving a host name has no timeout and can take 5 s. In another thread, the caller waits no longer than
    CALL_TIMEOUT for it.
    """

    def __init__(self, servers: list[str], options: dict[str, Any]) -> None:
        # Less than callers wait, so that the first call reports an outage. No retries: nobody would wait for them.
        seconds = CALL_TIMEOUT.total_seconds() * 3 / 4
        limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
        self._client = Client(servers, **{**limits, **options})
        self._breaker = Breaker(", ".join(_without_password(server) for server in servers))
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._late: tuple[Future[Any], float] | None = None  # a call that nobody waits for anymore, and its start
        for _ in range(THREADS):
            threading.Thread(target=self._work, name="cache", daemon=True).start()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call_or_empty, name, EMPTY_CACHE[name])

    def call(self, name: str, *args: Any) -> Any:
        """Return what this method of the client returns. Raises CacheUnavailable."""
        is_open = self._breaker.is_open
        if self._is_stuck() or not self._breaker.allows_call():
            raise CacheUnavailable
        job = partial(getattr(self._client, name), *args)
        future: Future[Any] = Future()
        started = time.monotonic()
        self._jobs.put((future, partial(self._after_probe, job) if is_open else job))
        wait([future], CALL_TIMEOUT.total_seconds())
        # A timeout here doesn't prove an outage: this process may have been too busy to read the response in time. The
        # thread that makes the call will find out. If it hasn't started yet, it must not write later.
        if not future.done() and not future.cancel():
            self._late = (future, started)
            raise CacheUnavailable
        if future.cancelled():
            raise CacheUnavailable
        try:
            return future.result()
        except (RedisError, OSError) as error:
            raise CacheUnavailable from error

    def _call_or_empty(self, name: str, empty: Callable[..., Any], *args: Any) -> Any:
        try:
            return self.call(name, *args)
        except CacheUnavailable:
            return empty(*args)

    def _after_probe(self, job: Callable[[], Any]) -> Any:
        self._client.probe()
        return job()

    def _is_stuck(self) -> bool:
        """Return whether a late call is still running. Other calls would have to wait for the same reason."""
        if self._late is None or self._late[0].done():
            return False
        if time.monotonic() - self._late[1] > STUCK_AFTER.total_seconds():
            self._breaker.failed(TimeoutError(f"no response within {STUCK_AFTER.total_seconds():.0f} s"))
        return True

    def _work(self) -> None:
        while True:
            future, job = self._jobs.get()
            if not future.set_running_or_notify_cancel():  # the caller has given up
                continue
            try:
                result = job()
            except (RedisError, OSError) as error:
                # The operating system measures a socket's timeout, however busy this process is.
                self._breaker.failed(error)
                future.set_exception(error)
            except BaseException as error:  # the caller handles it, and this thread must survive
                future.set_exception(error)
            else:
                self._breaker.succeeded()
                future.set_result(result)


class Breaker:
    """Skips calls after a failure, except for one call every RETRY_AFTER that tests whether Redis is back.

    Logs only the first failure and the recovery.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._retry_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self._retry_at is not None

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
            OUTAGE.set(1)
            logger.warning(
                "Redis at %s is not available (%s). Until it is, each process counts for its rate limits alone.",
                self._address,
                error,
            )

    def succeeded(self) -> None:
        with self._lock:
            was_open, self._retry_at = self.is_open, None
        if was_open:
            OUTAGE.set(0)
            logger.warning("Redis at %s is available again.", self._address)


@cache
def _client(servers: tuple[str, ...], options: tuple[tuple[str, Any], ...], pid: int) -> FailOpenClient:
    """Return one client per process. `pid` is part of the key because threads don't survive a fork."""
    return FailOpenClient(list(servers), dict(options))


def cache_state() -> str:
    """Return ok, or a state with an explanation after a colon. Waits no longer than any call."""
    if not isinstance(backend := caches[DEFAULT_CACHE_ALIAS], FailOpenRedisCache):
        return "ok"
    if backend.is_available():
        return "ok"
    return "degraded: Redis is not available, so each process counts for its rate limits alone"


def _without_password(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or url
