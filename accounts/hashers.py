"""Password hashing with a limit on how many hashes a process computes at the same time.

A hash is expensive by design, and keeps a core busy. More of them at once than there are cores finish no sooner, and
only take more memory. A sign-up storm would otherwise use up the memory of a small server.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from functools import cache, partial
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth import hashers
from django.db import connection

from common.errors import ServerBusy

LONGEST_WAIT = timedelta(seconds=5)
RETRY_AFTER = timedelta(seconds=5)
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # in a container: microseconds of CPU time per period, or "max"


Hash = TypeVar("Hash", str, bool)
THREAD_NAME = "password-hash"

# Whether the current thread handles a request, whose wait must end. Commands and tasks wait as long as it takes.
in_request: ContextVar[bool] = ContextVar("in_request", default=False)


class Gate:
    """Computes hashes in threads of its own. Further ones wait in line, in the order of their arrival.

    The allocator keeps memory for each thread that has used it. If requests hashed in their own threads, each of these
    would hold on to the memory of a hash.
    """

    def __init__(self, *, threads: int, line: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=THREAD_NAME)
        self._at_once = threads
        self._longest_line = line
        self._lock = threading.Lock()
        self.inside = 0  # running and waiting

    def run(self, work: Callable[[], Hash]) -> Hash:
        """Return the result of the work. In a request, raises ServerBusy if too many others wait, or for too long."""
        if threading.current_thread().name.startswith(THREAD_NAME):  # a hasher that calls itself, such as PBKDF2's
            return work()
        future = self._enter(work)
        try:
            return self._result(future)
        finally:
            with self._lock:
                self.inside -= 1

    def _enter(self, work: Callable[[], Hash]) -> "Future[Hash]":
        with self._lock:
            line = 0 if holds_write_lock() else self._longest_line
            if in_request.get() and self.inside >= self._at_once + line:
                raise ServerBusy(retry_after=RETRY_AFTER)
            future = self._threads.submit(work)  # with the lock, or a later arrival could overtake it
            self.inside += 1
            return future

    def _result(self, future: "Future[Hash]") -> Hash:
        try:
            return future.result(LONGEST_WAIT.total_seconds() if in_request.get() else None)
        except TimeoutError:
            if future.cancel():
                raise ServerBusy(retry_after=RETRY_AFTER) from None
            return future.result()  # it has begun


def holds_write_lock() -> bool:
    """Return whether waiting here would keep all other writers waiting: SQLite's transactions lock the database."""
    return connection.vendor == "sqlite" and connection.in_atomic_block


@cache
def gate() -> Gate:
    """Return the gate of this process."""
    return Gate(threads=settings.PASSWORD_HASHES_AT_ONCE or available_cores(), line=settings.PASSWORD_HASHES_WAITING)


# A fork copies the gate, but not its threads.
os.register_at_fork(after_in_child=gate.cache_clear)


def available_cores() -> int:
    """Return how many cores this process may use: those it is bound to, but no more than its container may use up."""
    affinity = getattr(os, "sched_getaffinity", None)  # missing on macOS
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, _quota() or cores)


def _quota() -> int | None:
    try:
        quota, period = CPU_QUOTA.read_text().split()
        return ceil(int(quota) / int(period))
    except (OSError, ValueError):  # without control groups, or "max"
        return None


class Gated(hashers.BasePasswordHasher):
    """A base class that sends every hash through the gate. Combine it with each hasher in PASSWORD_HASHERS."""

    def encode(self, password: str, salt: str, *arguments: Any) -> str:
        return gate().run(partial(super().encode, password, salt, *arguments))

    def verify(self, password: str, encoded: str) -> bool:
        return gate().run(partial(super().verify, password, encoded))


class Argon2PasswordHasher(Gated, hashers.Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, and one thread: OWASP's recommendation that needs little memory.

    https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id lists settings with equal
    defense, from 46 MiB and one pass to 7 MiB and five passes. Django's default is 100 MiB and eight threads.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1


class PBKDF2PasswordHasher(Gated, hashers.PBKDF2PasswordHasher):
    """For passwords that were imported from another Django project."""


def is_outdated(encoded: str) -> bool:
    """Return whether a stored hash can still be checked but has different parameters from new hashes."""
    try:
        hasher = hashers.identify_hasher(encoded)
    except ValueError:  # an unusable password
        return False
    preferred = hashers.get_hasher()
    return hasher.algorithm != preferred.algorithm or preferred.must_update(encoded)
