"""The signals of this app.

``delivery_event`` is sent once for each new event, after the commit. ``sender`` is DeliveryEvent, ``event`` is the
stored event, and ``email`` is its OutboundEmail, or None if the message didn't go through the outbox. An exception in a
receiver is logged and has no other effect.
"""

from django.dispatch import Signal

delivery_event = Signal()
