"""Questions to services that may never answer. Each is asked in a thread of its own, and all at the same time."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from time import monotonic
from typing import Generic, TypeVar

Answer = TypeVar("Answer")
SECONDS = 6.0  # longer than the timeouts of the connections, whose errors say more


class Question(Generic[Answer]):
    """A call that has begun. A thread that hangs, for example while it resolves a name, keeps nobody waiting."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._future: Future[Answer] = Future()
        self._ends_at = monotonic() + SECONDS
        Thread(target=self._run, args=[ask], daemon=True).start()

    def answer(self) -> Answer:
        """Return the result, or raise its exception. Raises TimeoutError if there is none in time."""
        return self._future.result(timeout=max(0.0, self._ends_at - monotonic()))

    def _run(self, ask: Callable[[], Answer]) -> None:
        try:
            self._future.set_result(ask())
        except Exception as error:  # answer() raises it
            self._future.set_exception(error)
