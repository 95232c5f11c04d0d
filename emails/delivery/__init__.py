"""Delivery: how due rows of the outbox reach the provider.

The path of a row, in order:

1. **Claim** (claims.py). A worker claims due rows, the most urgent first (due.py), with a *lease*, a claim that
   expires, and a *fencing token*, a random value that it must name to change them later (emails/models/work.py). If the
   worker dies, the lease expires, and another worker takes over. If it was only slow, its token no longer matches.
2. **Attempt** (calls.py). The rows are serialized (preparation.py) and stored as a ``DeliveryAttempt`` before anything
   is sent. From then on the attempt holds the lease. Its ID is the Idempotency-Key of the call.
3. **Call** (calls.py). A thread of the pool makes the HTTP call through the provider's backend.
4. **Settle** (settlement.py). The result is recorded: ``sent``, or failed, retried later, or unknown. An attempt of
   unknown outcome keeps its body, and the same call is repeated.

drain.py runs these steps in a loop until nothing is due. queues.py holds what differs between emails and contact
changes, and transitions.py every change to a held row. breaker.py and pacing.py decide whether and when a provider may
be called. polling.py asks Sequenzy about emails without events, outside of this path.
"""

from emails.delivery.drain import deliver_due, stop

__all__ = ["deliver_due", "stop"]
