"""One drain: it claims, builds and settles in its own thread, while a fixed pool of threads makes the calls.

The pool never touches the database. Claims and settlements happen in batches of whatever has come in meanwhile.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from common.db import database_now
from common.failpoints import failpoint
from emails.delivery import breaker, claims, pacing, settlement
from emails.delivery.calls import Answer, Call, MissedSlot, NotMade
from emails.errors import LeaseLost, ProviderError

logger = logging.getLogger(__name__)

RECOVER_EVERY = timedelta(seconds=5)
GATHER_FOR = timedelta(milliseconds=10)
LOOK_EVERY = timedelta(seconds=1)  # for new work, while a slow call is under way
RETRY_SETTLING_EVERY = timedelta(seconds=1)

# Calls per thread that are written and wait to be begun, and calls that the pool has in hand where a repeat is no
# second mail: enough to keep the threads busy while the database is, few enough to lose with the process.
READY_PER_THREAD = 4
IN_HAND_PER_THREAD = 6

stopping = threading.Event()  # set once, when this process is told to end

Finished = Sequence[tuple[Call, Answer]]


class Drain:
    """Works until nothing is due. Not reused.

    ``ready`` are calls that are claimed and written but not begun: claiming happens while others are under way.
    """

    def __init__(self) -> None:
        self.threads = settings.EMAIL_DELIVERY_THREADS
        self.ready: deque[Call] = deque()
        self.under_way: dict[Future[Answer], Call] = {}
        self.settled = 0
        self.recover_at = 0.0
        self.look_again: timedelta | None = None  # work waits for a slot that far away

    def run(self) -> int:
        with ThreadPoolExecutor(self.threads, thread_name_prefix="delivery") as self.pool:
            while True:
                self.begin_calls()
                if self.under_way:
                    self.settle_finished()
                elif self.look_again is None or stopping.wait(self.look_again.total_seconds()):
                    return self.settled

    def begin_calls(self) -> None:
        self.begin_what_is_ready()
        if len(self.ready) < self.threads and not stopping.is_set():
            self.claim_more()
            self.begin_what_is_ready()

    def begin_what_is_ready(self) -> None:
        while self.ready and len(self.under_way) < self.most_under_way(self.ready[0]):
            call = self.ready.popleft()
            self.under_way[self.pool.submit(call.make)] = call

    def most_under_way(self, call: Call) -> int:
        """Where a repeat can be a second mail, no thread begins a call before the answer to its last one is settled:
        a killed worker leaves no more unknown outcomes than it has threads. A call with a slot wants a thread at once.
        Else the pool has some in hand."""
        at_once = call.backend.key_lifetime is None or call.pace.slot is not None
        return self.threads if at_once else IN_HAND_PER_THREAD * self.threads

    def claim_more(self) -> None:
        is_idle = not self.under_way and not self.ready
        try:
            if time.monotonic() >= self.recover_at:
                claims.recover_abandoned(database_now())
                self.recover_at = time.monotonic() + RECOVER_EVERY.total_seconds()
            room = READY_PER_THREAD * self.threads - len(self.ready)
            calls, self.look_again = claims.next_calls(room, idle=is_idle)
            self.ready.extend(calls)
        except OperationalError:
            if is_idle:
                raise
            logger.warning("The database does not answer; what is under way is settled first.", exc_info=True)

    def settle_finished(self) -> None:
        answers = [(self.under_way.pop(future), answer_of(future)) for future in self.answered()]
        finished = self.without_late_calls(answers)
        if not finished:
            return
        waited_for = settle_despite_outages(finished)
        self.settled += len(finished)
        if waited_for or stopping.is_set():
            self.put_back(waited_for)

    def without_late_calls(self, answers: Finished) -> Finished:
        """Calls that missed their slots are made later, at other ones, unless their provider waits by now."""
        late = [call for call, answer in answers if isinstance(answer, MissedSlot)]
        if not late:
            return answers
        again = claims.with_new_slots(late)
        self.ready.extendleft(again)
        keys = {call.attempt.pk for call in again}
        return [(call, answer) for call, answer in answers if call.attempt.pk not in keys]

    def answered(self) -> list[Future[Answer]]:
        """Wait for an answer, and a moment for more: settling ten costs little more than settling one."""
        patience = min(filter(None, [self.look_again, LOOK_EVERY]))
        done, pending = wait(self.under_way, timeout=patience.total_seconds(), return_when=FIRST_COMPLETED)
        if done and pending:
            wait(pending, timeout=GATHER_FOR.total_seconds())
        return [future for future in self.under_way if future.done()]

    def put_back(self, waited_for: Set[str]) -> None:
        """Begin no more calls to providers that are to be waited for; none at all when the process is stopping."""
        for future, call in self.under_way.items():
            if stopping.is_set() or call.attempt.provider in waited_for:
                future.cancel()
                call.pace.called_off.set()
        held_back = [call for call in self.ready if stopping.is_set() or call.attempt.provider in waited_for]
        self.ready = deque(call for call in self.ready if call not in held_back)
        if held_back:
            settle_despite_outages([(call, NotMade()) for call in held_back])


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
        except Exception as error:
            if len(finished) > 1:
                return set().union(*(settle_despite_outages([one]) for one in finished))
            if isinstance(error, LeaseLost):
                logger.warning("An answer came too late to be recorded: %s", error)
            else:
                logger.exception("The answer of attempt %s cannot be recorded.", finished[0][0].attempt.pk)
            return set()


@transaction.atomic
def settle(finished: Finished) -> Set[str]:
    """Record a batch of answers: first what they say of the providers, then each attempt and its rows.

    Returns the providers that are to be waited for.
    """
    providers = {call.attempt.provider for call, _ in finished}
    waited_for = {name for name in providers if breaker.record_answers(name, answers_of(name, finished))}
    settlement.settle(finished, waited_for=waited_for)
    pacing.note_limits((call.attempt.provider, call.pace.known_rate, answer) for call, answer in finished)
    failpoint("after-settle")
    return waited_for


def answers_of(provider: str, finished: Finished) -> list[ProviderError | None]:
    """What the provider answered, None for an acceptance; calls that were not made say nothing."""
    return [
        answer if isinstance(answer, ProviderError) else None
        for call, answer in finished
        if call.attempt.provider == provider and not isinstance(answer, NotMade)
    ]
