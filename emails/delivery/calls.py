"""One call to a provider, as it is held in memory between the claim and the settling."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from emails.backends.base import DeliveryBackend, Receipt, Request
from emails.errors import Outcome, ProviderError, Remedy
from emails.failpoints import failpoint
from emails.models import DeliveryAttempt, OutboundEmail

logger = logging.getLogger(__name__)


class NotMade:
    """The call was not made: the process is stopping, or its lease is too old to begin."""


Answer = Receipt | ProviderError | NotMade


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One attempt that this process holds."""

    attempt: DeliveryAttempt
    emails: Sequence[OutboundEmail]  # in the attempt's order
    backend: DeliveryBackend
    start_by: float  # on time.monotonic(): later, the lease could end before the call does

    def make(self) -> Answer:
        """Call the provider. Runs in a thread of the pool and never touches the database; raises nothing."""
        if time.monotonic() > self.start_by:
            return NotMade()
        failpoint("before-send")
        request = Request(endpoint=self.attempt.endpoint, body=bytes(self.attempt.body or b""))
        try:
            receipt = self.backend.call(request, idempotency_key=str(self.attempt.pk))
        except ProviderError as error:
            return error
        except Exception as error:  # a bug of ours, after which nobody knows how far the call got
            logger.exception("The call of attempt %s to %s broke.", self.attempt.pk, self.attempt.provider)
            return unexpected(self.attempt.provider, error)
        failpoint("after-send")
        return receipt


def unexpected(provider: str, error: Exception) -> ProviderError:
    return ProviderError(
        provider=provider, detail=f"Our own code broke: {type(error).__name__}", outcome=Outcome.UNKNOWN,
        remedy=Remedy.RETRY,
    )  # fmt: skip
