"""The signals of this app.

``delivery_event`` is sent once for each new event, after the commit. ``sender`` is DeliveryEvent, ``event`` is the
stored event, and ``email`` is its OutboundEmail, or None if the message didn't go through the outbox. An exception in a
receiver is logged and has no other effect.

``emails_deleting`` is sent inside the transaction that deletes emails, before it deletes them. ``sender`` is
OutboundEmail, and ``keys`` are the IDs. Receivers must be quick, and an exception in one undoes the deletion.
"""

from django.dispatch import Signal

delivery_event = Signal()
emails_deleting = Signal()
