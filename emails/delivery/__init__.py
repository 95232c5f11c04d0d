"""Delivery: how due rows of the outbox reach the provider.

The path of a row, in order:

1. **Claim** (claims.py). A worker claims due rows with a *lease*, a claim that expires, and a *fencing token*, a random
   value that it must name to change them later (emails/models/work.py). If the worker dies, the lease expires, and
   another worker takes over. If it was only slow, its token no longer matches.
2. **Attempt** (calls.py). The rows are serialized (preparation.py) and stored as a ``DeliveryAttempt`` before anything
   is sent. From then on the attempt holds the lease. Its ID is the Idempotency-Key of the call.
3. **Call** (calls.py). A thread of the pool makes the HTTP call through the provider's backend.
4. **Settle** (settlement.py). The result is recorded: ``sent``, or failed, retried later, or unknown. An attempt of
   unknown outcome keeps its body, and the same call is repeated.

drain.py runs these steps in a loop until nothing is due. queues.py holds what differs between emails and contact
changes, and transitions.py every change to a held row. breaker.py and pacing.py decide whether and when a provider may
be called. polling.py asks Sequenzy about emails without events, outside of this path.
"""

import threading

from emails.delivery.drain import Drain, stopping

_draining = threading.Lock()
_requested = threading.Event()


def deliver_due() -> int:
    """Deliver everything that is due, and return the number of settled calls.

    Each process runs one drain at a time. If one is running, this returns 0 immediately, and the running one looks for
    due rows once more before it ends.
    """
    settled = 0
    _requested.set()
    while _requested.is_set() and not stopping.is_set() and _draining.acquire(blocking=False):
        try:
            _requested.clear()
            settled += Drain().run()
        finally:
            _draining.release()
    return settled


def stop() -> None:
    """Start no more calls in this process. Calls in flight are finished and settled, all others are queued again."""
    stopping.set()
