"""A drain: one run of the worker over everything that is due.

The drain claims, builds, and settles in its own thread, while a fixed pool of threads makes the calls. The pool never
uses the database. Claims and settlements happen in batches of whatever has come in.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta

from django.conf import settings
from django.db import Error

from common.db import database_now, index_walks
from common.failpoints import failpoint
from common.outages import drop_connections, trouble_of
from emails.backends.base import Acceptance
from emails.delivery import breaker, claims, pacing, settlement
from emails.delivery.calls import Call, CallResult, MissedSlot, NotMade, in_order_of_slots
from emails.delivery.due import is_waited_for
from emails.errors import LeaseLost, ProviderError
from emails.models import Priority

logger = logging.getLogger(__name__)

RECOVER_EVERY = timedelta(seconds=5)  # a lease lasts about a minute, so this finds dead workers soon enough
GATHER_FOR = timedelta(milliseconds=10)  # how long a finished call waits for others to be settled with it
CLAIM_EVERY = timedelta(seconds=1)  # look for new work while a slow call is in flight, even without a wake-up
RETRY_SETTLING_EVERY = timedelta(seconds=1)

# Per thread: calls that are claimed and stored but not submitted. Enough to keep the threads busy while the database
# works, and few enough that a process that dies leaves little behind.
READY_PER_THREAD = 4
# Per thread: one call that runs and two that wait in the pool. Before it submits any, the drain looks for email that a
# person is waiting for, so at most two other calls per thread can begin before such an email is noticed and sent. With
# fewer, the threads would run out of work during each claim.
SUBMITTED_PER_THREAD = 3

stopping = threading.Event()  # set once, when the process receives the signal to stop

_draining = threading.Lock()
_news = threading.Event()  # set when a call has finished, when something may be due, and when the process stops

Finished = Sequence[tuple[Call, CallResult]]


def deliver_due() -> int:
    """Deliver everything that is due, and return the number of settled calls.

    Each process runs one drain at a time. If one is running, this returns 0 immediately, and the running one looks for
    due rows right away.
    """
    settled = 0
    _news.set()
    while _news.is_set() and not stopping.is_set() and _draining.acquire(blocking=False):
        try:
            settled += Drain().run()
        finally:
            _draining.release()
    return settled


def stop() -> None:
    """Start no more calls in this process. Calls in flight are finished and settled; others are queued again."""
    stopping.set()
    _news.set()


class Drain:
    """Runs until nothing is due, once per object.

    ``ready`` holds calls that are claimed and stored but not started, because claiming goes on during other calls. The
    most urgent ones come first.
    """

    def __init__(self) -> None:
        self.threads = settings.EMAIL_DELIVERY_THREADS
        self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="delivery")
        self.ready: deque[Call] = deque()
        self.in_flight: dict[Future[CallResult], Call] = {}
        self.settled = 0
        self.recover_at = 0.0
        # How long until a provider that is paused, or has no free slot, takes more calls. None: nothing waits for one.
        self.claim_again_in: timedelta | None = None

    def run(self) -> int:
        """Deliver until nothing is due, and return the number of settled calls."""
        with self.pool:
            while True:
                _news.clear()
                self.start_calls()
                if self.in_flight:
                    self.settle_finished()
                elif self.claim_again_in is None or stopping.is_set():
                    return self.settled
                else:
                    _news.wait(self.claim_again_in.total_seconds())

    def start_calls(self) -> None:
        # Counted before the look for urgent work, so that calls which end during it make no room for others.
        running = self.unfinished()
        # With fewer ready calls than threads, a thread could run out of work before the next claim is done.
        if len(self.ready) < self.threads:
            self.claim_more()
        else:
            self.claim_urgent(running)
        self.submit_ready(running)

    def unfinished(self) -> int:
        return sum(not future.done() for future in self.in_flight)

    def submit_ready(self, running: int) -> None:
        """Submit calls to the pool, as long as there is room next to ``running`` others."""
        while self.ready and not stopping.is_set() and self.has_room(self.ready[0], running):
            call = self.ready.popleft()
            future = self.pool.submit(copy_context().run, call.make)  # so that its log lines name the task
            self.in_flight[future] = call
            future.add_done_callback(lambda _: _news.set())
            running += 1

    def has_room(self, call: Call, running: int) -> bool:
        """Return whether the pool may hold this call as well."""
        # Without idempotency keys, a repeat can be a second email. One call per thread, until it is settled, then means
        # that a killed worker leaves at most one unknown outcome per thread.
        if call.client.key_lifetime is None:
            return len(self.in_flight) < self.threads
        # A call with a slot would miss it while it waits in the pool for a free thread.
        return running < (self.threads if call.pace.slot is not None else SUBMITTED_PER_THREAD * self.threads)

    def claim_urgent(self, running: int) -> None:
        """Claim email that a person is waiting for, even if enough other calls are ready."""
        bulk = [call for call in self.ready if call.attempt.priority != Priority.WAITING]
        # As long as no call can begin, none can overtake it.
        if not bulk or stopping.is_set() or not self.has_room(self.ready[0], running):
            return
        with self.despite_outages():
            if is_waited_for():
                urgent, _ = claims.next_calls(self.threads, idle=False, displaceable=bulk, only=Priority.WAITING)
                self.add_ready(urgent)

    def claim_more(self) -> None:
        """Fill ``ready``, and take back the work of dead workers every few seconds."""
        if stopping.is_set():
            return
        is_idle = not self.in_flight and not self.ready
        with self.despite_outages():
            if time.monotonic() >= self.recover_at and not claims.recover_stalled(database_now()):
                self.recover_at = time.monotonic() + RECOVER_EVERY.total_seconds()
            room = READY_PER_THREAD * self.threads - len(self.ready)
            calls, self.claim_again_in = claims.next_calls(room, idle=is_idle)
            self.add_ready(calls)

    def add_ready(self, calls: Iterable[Call]) -> None:
        """Add calls to ``ready``. The most urgent ones get the earliest slots of their provider."""
        ordered = sorted([*self.ready, *calls], key=lambda call: call.attempt.priority)
        self.ready = deque(in_order_of_slots(ordered))

    @contextmanager
    def despite_outages(self) -> Iterator[None]:
        """Go on if the database fails while this process holds calls."""
        is_idle = not self.in_flight and not self.ready
        try:
            yield
        except Error as error:
            # With nothing in flight, nothing can get lost, so the task fails and the next sweep tries again.
            if is_idle or not trouble_of(error):
                raise
            drop_connections()
            logger.warning("The database does not respond; calls in flight are settled first.", exc_info=True)

    def settle_finished(self) -> None:
        finished = self.finished_futures()
        if all(isinstance(result_of(future), Acceptance) for future in finished):
            # While all goes well, the threads continue during the settlement. After an error, it comes first, because
            # the provider may be paused by it.
            running = self.unfinished()
            self.claim_urgent(running)
            self.submit_ready(running)
        results = self.requeue_late_calls([(self.in_flight.pop(future), result_of(future)) for future in finished])
        if not results:
            return
        paused = settle_despite_outages(results)
        self.settled += len(results)
        if paused or stopping.is_set():
            self.hold_back(paused)

    def requeue_late_calls(self, results: Finished) -> Finished:
        """Put calls that missed their slots back into ``ready`` with new slots, and return all other results.

        A late call of a provider that is paused by now gets no new slot. It stays among the results, as not made.
        """
        late = [call for call, result in results if isinstance(result, MissedSlot)]
        if not late:
            return results
        rescheduled = claims.with_new_slots(late)
        self.add_ready(rescheduled)
        keys = {call.attempt.pk for call in rescheduled}
        return [(call, result) for call, result in results if call.attempt.pk not in keys]

    def finished_futures(self) -> list[Future[CallResult]]:
        """Wait until a call has finished or it is time to claim again, and return the finished ones, if any."""
        if self.unfinished() == len(self.in_flight):
            _news.wait(min(filter(None, [self.claim_again_in, CLAIM_EVERY])).total_seconds())
        # Wait a moment for more, because settling ten calls together costs little more than settling one.
        if self.unfinished() < len(self.in_flight):
            wait(self.in_flight, timeout=GATHER_FOR.total_seconds())
        return [future for future in self.in_flight if future.done()]

    def hold_back(self, paused: Set[str]) -> None:
        """Start no more calls to paused providers, and none at all if the process is stopping."""
        for future, call in self.in_flight.items():
            if stopping.is_set() or call.attempt.provider in paused:
                future.cancel()  # has no effect on a call that a thread has already started
                call.pace.cancelled.set()
        held_back = [call for call in self.ready if stopping.is_set() or call.attempt.provider in paused]
        self.ready = deque(call for call in self.ready if call not in held_back)
        if held_back:
            settle_despite_outages([(call, NotMade()) for call in held_back])


def result_of(future: Future[CallResult]) -> CallResult:
    return NotMade() if future.cancelled() else future.result()


def settle_despite_outages(finished: Finished) -> Set[str]:
    """Settle, and retry while the database is down and the leases last: a known result must not be lost.

    If the database refuses the batch for another reason, the calls are settled one at a time, so that one bad result
    doesn't affect the others. Returns the paused providers.
    """
    give_up_at = time.monotonic() + settings.EMAIL_LEASE_SECONDS
    while True:
        try:
            return settle(finished)
        except Exception as error:  # LeaseLost as well: one lost lease rolls back the whole batch
            if not trouble_of(error):
                return settle_one_by_one(finished, error)
            if time.monotonic() >= give_up_at:
                raise
            logger.exception("The results of %d calls cannot be stored now; trying again.", len(finished))
            drop_connections()  # so that Django opens a new one for the next attempt
            time.sleep(RETRY_SETTLING_EVERY.total_seconds())


def settle_one_by_one(finished: Finished, error: Exception) -> Set[str]:
    if len(finished) > 1:
        return set().union(*(settle_despite_outages([one]) for one in finished))
    [(call, _)] = finished
    log_lost_result(call, error)
    return set()


def log_lost_result(call: Call, error: Exception) -> None:
    if isinstance(error, LeaseLost):
        logger.warning("A result came too late to be recorded: %s", error)
    else:
        logger.error("The result of attempt %s cannot be recorded.", call.attempt.pk, exc_info=error, extra=call.ids)


@index_walks()
def settle(finished: Finished) -> Set[str]:
    """Record a batch of results and return the paused providers.

    What the results say about a provider comes first, because a refusal doesn't count against a message if its
    provider is paused.
    """
    providers = {call.attempt.provider for call, _ in finished}
    paused = {name for name in providers if breaker.record_results(name, results_of(name, finished))}
    settlement.settle(finished, paused=paused)
    pacing.record_limits((call.attempt.provider, call.pace.known_rate, result) for call, result in finished)
    failpoint("after-settle")
    return paused


def results_of(provider: str, finished: Finished) -> list[ProviderError | None]:
    """Return one item per call that was made to the provider: the error, or None if it was accepted."""
    return [
        result if isinstance(result, ProviderError) else None
        for call, result in finished
        if call.attempt.provider == provider and not isinstance(result, NotMade)
    ]
