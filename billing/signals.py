"""What happens to subscriptions, for the rest of a product.

``subscription_changed`` is sent after the commit whenever a status changes: ``sender`` is Subscription,
``subscription`` the row, ``was`` its status before (empty for a new one). What a receiver raises is logged and changes
nothing.
"""

from django.dispatch import Signal

subscription_changed = Signal()

# Within billing: ``customer_id`` has an address by now, after the commit that stored it.
address_found = Signal()
