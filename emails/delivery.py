"""Delivering due mail: claim it, hand it to the provider's backend, record what came of it.

One drain a process. It claims, builds and settles in its own thread; a fixed pool of threads makes the calls and never
touches the database. Claims and settlements happen in batches, whatever has come in while the others were at work.
"""

import logging
import threading
import time
from collections.abc import Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from emails import breaker, claims, outcomes
from emails.calls import Answer, Call, NotMade
from emails.errors import ProviderError
from emails.failpoints import failpoint
from emails.querysets import database_now

logger = logging.getLogger(__name__)

RECOVER_EVERY = timedelta(seconds=5)
RETRY_SETTLING_EVERY = timedelta(seconds=1)

CALLS_IN_HAND = 4  # per thread: enough to work on while the database is busy, few enough to lose with the process

Finished = Sequence[tuple[Call, Answer]]

_draining = threading.Lock()
_asked_again = threading.Event()
_stopping = threading.Event()


def deliver_due() -> int:
    """Deliver everything that is due; returns the number of calls settled.

    Called while a drain of this process is at work, it returns 0 at once and has that drain look once more.
    """
    settled = 0
    _asked_again.set()
    while _asked_again.is_set() and not _stopping.is_set() and _draining.acquire(blocking=False):
        try:
            _asked_again.clear()
            settled += Drain().run()
        finally:
            _draining.release()
    return settled


def stop() -> None:
    """Begin no more calls in this process: the ones under way are finished and settled, the others put back."""
    _stopping.set()


class Drain:
    """Works until nothing is due. Not reused."""

    def __init__(self) -> None:
        self.threads = settings.EMAIL_DELIVERY_THREADS
        self.under_way: dict[Future[Answer], Call] = {}
        self.settled = 0
        self.recover_at = 0.0

    def run(self) -> int:
        with ThreadPoolExecutor(self.threads, thread_name_prefix="delivery") as self.pool:
            while True:
                if not _stopping.is_set():
                    self.begin_calls_if_database_answers()
                if not self.under_way:
                    return self.settled
                self.settle_finished()

    def begin_calls_if_database_answers(self) -> None:
        try:
            self.begin_calls()
        except OperationalError:
            if not self.under_way:
                raise
            logger.warning("The database does not answer; what is under way is settled first.", exc_info=True)

    def begin_calls(self) -> None:
        """Keep the pool busy, with a little in hand so that it need not wait for the database."""
        if time.monotonic() >= self.recover_at:
            claims.recover_abandoned(database_now())
            self.recover_at = time.monotonic() + RECOVER_EVERY.total_seconds()
        room = CALLS_IN_HAND * self.threads - len(self.under_way)
        if room < self.threads:
            return
        for call in claims.next_calls(room, idle=not self.under_way):
            self.under_way[self.pool.submit(call.make)] = call

    def settle_finished(self) -> None:
        done, _ = wait(self.under_way, return_when=FIRST_COMPLETED)
        finished = [(self.under_way.pop(future), answer_of(future)) for future in done]
        waited_for = settle_despite_outages(finished)
        self.settled += len(finished)
        self.put_back_what_is_in_hand(waited_for)

    def put_back_what_is_in_hand(self, waited_for: Set[str]) -> None:
        """Begin no more of the calls to providers that are to be waited for; none at all when the process is stopping."""
        for future, call in self.under_way.items():
            if _stopping.is_set() or call.attempt.provider in waited_for:
                future.cancel()


def answer_of(future: Future[Answer]) -> Answer:
    return NotMade() if future.cancelled() else future.result()


def settle_despite_outages(finished: Finished) -> Set[str]:
    """Settle, and again while the database is away, as long as the leases last: an answer known is worth keeping.

    What the database refuses to store for another reason is tried one by one, so that one bad answer costs no other.
    """
    give_up_at = time.monotonic() + settings.EMAIL_LEASE_SECONDS
    while True:
        try:
            return settle(finished)
        except (OperationalError, InterfaceError):
            if time.monotonic() >= give_up_at:
                raise
            logger.exception("The database cannot take the answers of %d calls; trying again.", len(finished))
            close_old_connections()
            time.sleep(RETRY_SETTLING_EVERY.total_seconds())
        except Exception:
            logger.exception("The answers of %d calls cannot be recorded.", len(finished))
            if len(finished) == 1:
                return set()
            return set().union(*(settle_despite_outages([one]) for one in finished))


@transaction.atomic
def settle(finished: Finished) -> Set[str]:
    """Record a batch of answers: first what they say of the providers, then each attempt and its rows.

    Returns the providers that are to be waited for.
    """
    now = database_now()
    providers = {call.attempt.provider for call, _ in finished}
    waited_for = {name for name in providers if breaker.record_answers(name, answers_of(name, finished), now)}
    outcomes.settle(finished, now=now, waited_for=waited_for)
    failpoint("after-settle")
    return waited_for


def answers_of(provider: str, finished: Finished) -> list[ProviderError | None]:
    """What the provider answered, None for an acceptance; calls that were not made say nothing."""
    return [
        answer if isinstance(answer, ProviderError) else None
        for call, answer in finished
        if call.attempt.provider == provider and not isinstance(answer, NotMade)
    ]
