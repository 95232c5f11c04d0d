"""Signals for the rest of the product. Connect receivers in your app's ``ready()``, as docs/billing.md shows.

Each is sent after the commit that stores the fact, once for each fact, whatever order Stripe's events arrive in and
however often. ``sender`` is the model's class. An exception in a receiver is logged and changes nothing. If the process
dies between the commit and the receiver, the signal is lost: the row is the truth, and the signal only says when to
look.

- ``payment_succeeded``: ``payment``. Money arrived. Not for invoices over nothing.
- ``payment_failed``: ``payment`` and ``attempt``, the number of the failed attempt, which is 0 for a one-time purchase.
  Not for an attempt that is older than the newest known one, and not once the payment is settled.
- ``subscription_started``: ``subscription``. It has begun, paid or as a trial. Always comes before its end.
- ``subscription_changed``: ``subscription``, ``was``, its previous status, which is empty for a new one, and
  ``changed``, the names of the fields that changed: ``status``, ``price_id``, ``quantity``. If only the plan or the
  quantity changed, ``was`` is the status that it still has.
- ``subscription_ended``: ``subscription``. It is over for good. Not for one that never began.
- ``trial_ending``: ``subscription``. Its trial ends in a few days. Not if the newest known state is no longer that
  trial. Again if the trial is extended.
- ``dispute_opened``: ``dispute``, whose payment is ``dispute.payment``. Its status can already be a later one.
"""

from django.dispatch import Signal

payment_succeeded = Signal()
payment_failed = Signal()
subscription_started = Signal()
subscription_changed = Signal()
subscription_ended = Signal()
trial_ending = Signal()
dispute_opened = Signal()

# Only for billing itself: the address or the owner of ``customer_id`` has become known. Sent after the commit that
# stores it.
customer_found = Signal()
