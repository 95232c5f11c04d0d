"""One call to a provider, as it is held in memory between the claim and the settling."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.failpoints import failpoint
from emails.backends.base import Caller, Receipt, Request
from emails.delivery.pacing import LATENESS
from emails.errors import Outcome, ProviderError, Remedy
from emails.models import ContactChange, DeliveryAttempt, OutboundEmail

logger = logging.getLogger(__name__)


class NotMade:
    """The call was not made: the process is stopping, or its lease is too old to begin."""


class MissedSlot(NotMade):
    """The call was not made: it would have come too late after its slot, and so too close to the next."""


Answer = Receipt | ProviderError | NotMade


@dataclass(frozen=True, slots=True)
class Pace:
    """When the call is to begin, on ``time.monotonic()``, where its provider's calls are paced, and at what rate."""

    known_rate: float | None = None
    slot: float | None = None
    called_off: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> NotMade | None:
        """Returns at the slot; the reason, where the call must not be made now."""
        if self.slot is None:
            return None
        if self.called_off.wait(max(self.slot - time.monotonic(), 0)):
            return NotMade()
        return MissedSlot() if time.monotonic() - self.slot > LATENESS.total_seconds() else None


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One attempt that this process holds."""

    attempt: DeliveryAttempt
    rows: Sequence[OutboundEmail | ContactChange]  # in the attempt's order
    backend: Caller
    start_by: float  # on time.monotonic(): later, the lease could end before the call does
    pace: Pace = field(default_factory=Pace)

    def make(self) -> Answer:
        """Call the provider. Runs in a thread of the pool and never touches the database; raises nothing."""
        if time.monotonic() > self.start_by:
            return NotMade()
        if self.pace.slot is not None:
            self.backend.warm_up()
        if reason := self.pace.wait():
            return reason
        failpoint("before-send")
        request = Request(endpoint=self.attempt.endpoint, body=bytes(self.attempt.body or b""))
        try:
            receipt = self.backend.call(request, idempotency_key=str(self.attempt.pk))
        except ProviderError as error:
            return error
        except Exception as error:  # a bug of ours, after which nobody knows how far the call got
            logger.exception("The call of attempt %s to %s broke.", self.attempt.pk, self.attempt.provider)
            return unclear(self.attempt.provider, f"Our own code failed: {type(error).__name__}")
        failpoint("after-send")
        told, carried = len(receipt.message_ids), len(self.rows)
        if told != carried:
            return unclear(self.attempt.provider, f"It accepted {carried} messages but returned {told} message IDs.")
        return receipt


def unclear(provider: str, detail: str) -> ProviderError:
    return ProviderError(provider=provider, detail=detail, outcome=Outcome.UNKNOWN, remedy=Remedy.RETRY)
