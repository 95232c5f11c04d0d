"""The admin of emails, which answers: did customer X get the receipt, and if not, why?"""

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
