"""What happens to mail, for the rest of a project.

``delivery_event`` is sent once for each new event, after it is committed: ``sender`` is DeliveryEvent, ``event`` the
stored event, ``email`` the OutboundEmail, or None for mail that did not go through the outbox. What a receiver raises
is logged and changes nothing.
"""

from django.dispatch import Signal

delivery_event = Signal()
