"""The tables of the emails app: emails, attempts, events, provider states, contact changes, and suppressions."""

from emails.models.attempts import AttemptedEmail, DeliveryAttempt
from emails.models.contacts import ContactChange
from emails.models.events import DeliveryEvent
from emails.models.messages import OutboundEmail
from emails.models.providers import ProviderState
from emails.models.suppressions import Suppression
from emails.models.work import Priority, Reason, Status, Work

__all__ = [
    "AttemptedEmail",
    "ContactChange",
    "DeliveryAttempt",
    "DeliveryEvent",
    "OutboundEmail",
    "Priority",
    "ProviderState",
    "Reason",
    "Status",
    "Suppression",
    "Work",
]
