"""Signals for the rest of the product.

``subscription_changed`` is sent after the commit whenever a subscription's status changes. ``sender`` is Subscription,
``subscription`` the row, and ``was`` its previous status, which is empty for a new one. An exception in a receiver is
logged and changes nothing.
"""

from django.dispatch import Signal

subscription_changed = Signal()

# Only for billing itself: the address or the owner of ``customer_id`` has become known. Sent after the commit that
# stores it.
customer_found = Signal()
