"""A call to a provider: first it is stored as an attempt, then it is made."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from common.db import index_walks
from common.failpoints import failpoint
from emails.backends.base import Acceptance, ProviderClient, Request
from emails.delivery import transitions
from emails.delivery.pacing import MAX_LATENESS
from emails.delivery.preparation import Part, Prepared
from emails.delivery.queues import OpenAttempt, Queue
from emails.errors import CallOutcome, LeaseLost, ProviderError, Remedy
from emails.models import ContactChange, DeliveryAttempt, OutboundEmail, Work

logger = logging.getLogger(__name__)


def open_attempts(rows: Sequence[Work], queue: Queue, now: datetime, *, max_calls: int) -> list[OpenAttempt]:
    """Store attempts for rows that were claimed together, and return them.

    Rows that can't be sent end here, and rows beyond ``max_calls`` are queued again. Empty if a lease has expired.
    """
    prepared = queue.prepare(rows, now, max_calls)
    attempts = [
        OpenAttempt(_new_attempt(queue, parts, now), [part.row for part in parts]) for parts in prepared.batches
    ]
    try:
        _store(rows, prepared, attempts, queue, now)
    except LeaseLost:
        logger.warning("A lease expired while %d rows were prepared; another worker takes them.", len(rows))
        return []
    return attempts


@index_walks()
def _store(
    rows: Sequence[Work], prepared: Prepared, attempts: Sequence[OpenAttempt], queue: Queue, now: datetime
) -> None:
    # All or nothing: if one lease is lost, another worker may hold any of the rows.
    for row, ending in prepared.endings:
        transitions.end_lease([row])
        transitions.end_without_call(row, ending, now)
    # The rows that are left over belong to calls beyond max_calls; this worker has no room for them now.
    used = {row.pk for _, carried in attempts for row in carried} | {row.pk for row, _ in prepared.endings}
    transitions.requeue([row for row in rows if row.pk not in used], now)
    queue.store(attempts)


def _new_attempt(queue: Queue, parts: Sequence[Part], now: datetime) -> DeliveryAttempt:
    request = queue.request(parts)
    return DeliveryAttempt(
        provider=queue.provider,
        fallback_for=queue.fallback_for,
        priority=queue.priority_of([part.row for part in parts]),
        message_count=len(parts),
        endpoint=request.endpoint,
        body=request.body,
        created_at=now,  # the age of an attempt, measured on the database's clock, limits its repeats
        due_at=now + transitions.lease(),
        lease_token=uuid4(),
    )


class NotMade:
    """The call was not made: the process is stopping, or too little of the lease is left."""


class MissedSlot(NotMade):
    """The call was not made: it would have come too late after its slot, and so too close to the next one."""


CallResult = Acceptance | ProviderError | NotMade


@dataclass(frozen=True, slots=True)
class Pace:
    """When a call must begin, if its provider's calls are paced."""

    known_rate: float | None = None  # calls per second, as stored when the call was claimed
    slot: float | None = None  # on time.monotonic()
    cancelled: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> NotMade | None:
        """Wait for the slot. Returns the reason if the call must not be made then."""
        if self.slot is None:
            return None
        if self.cancelled.wait(max(self.slot - time.monotonic(), 0)):
            return NotMade()
        return MissedSlot() if time.monotonic() - self.slot > MAX_LATENESS.total_seconds() else None


# Compared by identity (eq=False), because comparing fields would compare bodies of many kilobytes.
@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One attempt that this process holds."""

    attempt: DeliveryAttempt
    rows: Sequence[OutboundEmail | ContactChange]  # in the attempt's order
    queue: Queue
    start_by: float  # on time.monotonic(); a call that starts later could outlive its lease
    pace: Pace = field(default_factory=Pace)

    @property
    def client(self) -> ProviderClient:
        return self.queue.client

    @property
    def ids(self) -> dict[str, Any]:
        """What a log line about the call carries."""
        return {"attempt_id": str(self.attempt.pk), "message_ids": [str(row.pk) for row in self.rows]}

    def at(self, slot: float) -> "Call":
        """Return the call with this slot."""
        return self if slot == self.pace.slot else replace(self, pace=replace(self.pace, slot=slot))

    def make(self) -> CallResult:
        """Call the provider. Runs in a thread of the pool, doesn't use the database, and raises nothing."""
        if time.monotonic() > self.start_by:
            return NotMade()
        if self.pace.slot is not None:
            # Connecting takes longer than a slot may be missed by, so it is done while waiting for the slot.
            self.client.warm_up()
        if reason := self.pace.wait():
            return reason
        failpoint("before-send")
        result = self._call_provider()
        failpoint("after-send")
        return result

    def _call_provider(self) -> Acceptance | ProviderError:
        # PostgreSQL returns a memoryview for a repeated attempt's body.
        request = Request(endpoint=self.attempt.endpoint, body=bytes(self.attempt.body or b""))
        try:
            acceptance = self.client.call(request, idempotency_key=str(self.attempt.pk))
        except ProviderError as error:
            return error
        except Exception as error:  # a bug of ours, after which nobody knows how far the call got
            words = "The call of attempt %s to %s broke."
            logger.exception(words, self.attempt.pk, self.attempt.provider, extra=self.ids)
            return self._unknown(f"Our own code failed: {type(error).__name__}")
        # If the number of IDs is wrong, nobody knows which messages the provider accepted.
        reported, carried = len(acceptance.message_ids), len(self.rows)
        if reported != carried:
            return self._unknown(f"It accepted {carried} messages but returned {reported} message IDs.")
        return acceptance

    def _unknown(self, detail: str) -> ProviderError:
        return ProviderError(
            provider=self.attempt.provider, detail=detail, outcome=CallOutcome.UNKNOWN, remedy=Remedy.RETRY
        )


def in_order_of_slots(calls: Sequence[Call]) -> list[Call]:
    """Return the calls in the same order. Calls to one provider exchange slots so that the first is earliest."""
    slots: defaultdict[str, list[float]] = defaultdict(list)
    for call in calls:
        if call.pace.slot is not None:
            slots[call.attempt.provider].append(call.pace.slot)
    earliest = {provider: iter(sorted(moments)) for provider, moments in slots.items()}
    return [call if call.pace.slot is None else call.at(next(earliest[call.attempt.provider])) for call in calls]
