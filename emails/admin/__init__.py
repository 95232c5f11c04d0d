"""The admin of emails. Staff look up here whether a customer got an email and, if not, why."""

from emails.admin.contacts import ContactChangeAdmin
from emails.admin.events import DeliveryEventAdmin
from emails.admin.messages import OutboundEmailAdmin
from emails.admin.providers import DeliveryAttemptAdmin, ProviderStateAdmin
from emails.admin.suppressions import SuppressionAdmin

__all__ = [
    "ContactChangeAdmin",
    "DeliveryAttemptAdmin",
    "DeliveryEventAdmin",
    "OutboundEmailAdmin",
    "ProviderStateAdmin",
    "SuppressionAdmin",
]
